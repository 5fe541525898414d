//! As much of a shell's grammar as the commands of the documentation need: words, quotes, comments, and where
//! one command ends.

/// The commands of a line, each as its words. What is written into files and read from them is left out.
pub fn commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut tokens = tokens(line).into_iter();
    while let Some(token) = tokens.next() {
        match token {
            Token::Word(word) => commands.last_mut().unwrap().push(word),
            Token::Ends => commands.push(Vec::new()),
            // Its file.
            Token::Redirects => drop(tokens.next()),
        }
    }
    commands.retain(|command: &Vec<String>| !command.is_empty());
    commands
}

enum Token {
    Word(String),
    /// `|`, `&&`, `;`, `&`.
    Ends,
    /// `>`, `2>`, `<`.
    Redirects,
}

fn tokens(line: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\'' | '"' => {
                let quoted = word.get_or_insert_default();
                quoted.extend(characters.by_ref().take_while(|c| *c != character));
            }
            '#' if word.is_none() => break,
            ' ' => tokens.extend(word.take().map(Token::Word)),
            '|' | '&' | ';' => {
                tokens.extend(word.take().map(Token::Word));
                tokens.push(Token::Ends);
            }
            '>' | '<' => {
                // The number before it is a file's.
                tokens.extend(word.take().filter(|it| it != "2").map(Token::Word));
                while characters.next_if(|c| ">&".contains(*c)).is_some() {}
                tokens.push(Token::Redirects);
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    tokens.extend(word.map(Token::Word));
    tokens
}

#[test]
fn lines_are_read_as_a_shell_reads_them() {
    let read = |line: &str| -> Vec<String> {
        let commands = commands(line).into_iter();
        commands.map(|words| words.join("_")).collect()
    };
    assert_eq!(
        read("simdex add 'my pictures' # two"),
        ["simdex_add_my pictures"]
    );
    assert_eq!(
        read("a b#c | d 2>&1 && e > file; f"),
        ["a_b#c", "d", "e", "f"]
    );
    assert_eq!(read("a > \"my file\" -k 3"), ["a_-k_3"]);
    assert!(read("# nothing").is_empty());
}
