//! What the user did not ask for does not run, is not read and is not told.

use std::net::TcpListener;
use std::path::Path;

use crate::common::{FAST, Run, Simdex, crawl, jpeg, numbered, serve};
use serde_json::json;
use simdex::demo::drawing::Motif;
use testweb::reply::Reply;

/// A secret that must be nowhere but in requests.
const SECRET: &str = "hunter2";

fn write(simdex: &Simdex, name: &str, text: &str) {
    let path = simdex.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn a_folders_configuration_sets_nothing_that_harms() {
    let simdex = Simdex::new();
    for (text, key) in [
        ("[network]\nruntime = \"x.so\"\n", "[network] runtime"),
        ("[network]\nmanifest = \"m.toml\"\n", "[network] manifest"),
        ("data_dir = \"elsewhere\"\n", "data_dir"),
        ("[crawl]\nproxy = \"http://127.0.0.1:9\"\n", "[crawl] proxy"),
        ("[crawl]\ndelay_ms = 0\n", "[crawl] delay_ms"),
        ("[crawl.headers]\nCookie = \"a=b\"\n", "[crawl] headers"),
    ] {
        write(&simdex, "config.toml", text);
        for command in [&["status"][..], &["doctor"], &["crawl", "example.org"]] {
            let run = simdex.run(command);
            assert_eq!(run.code, 1, "{text}: {}", run.stderr);
            for part in [key, "config.toml", "--config config.toml"] {
                assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
            }
        }
        // Named, it is the user's word.
        let run = simdex.run(&["--config", "config.toml", "status"]);
        assert!(!run.stderr.contains("must not"), "{}", run.stderr);
    }
    assert!(!simdex.store().exists());
}

#[test]
fn a_folders_harmless_configuration_counts_and_is_told() {
    let simdex = Simdex::filled(3, 4);
    write(&simdex, "config.toml", "[query]\nk = 2\n");
    let query = simdex.path("query.jpg");
    std::fs::write(&query, jpeg(Motif::ALL[0], 99)).unwrap();
    let found = simdex.json(&["query", query.to_str().unwrap()]);
    assert_eq!(found["results"].as_array().unwrap().len(), 2);
    let findings = simdex.json(&["doctor"]);
    assert_eq!(findings["config"], json!(["config.toml"]));
    let run = simdex.run(&["doctor"]);
    assert!(
        run.stdout.contains("config     config.toml"),
        "{}",
        run.stdout
    );
}

#[cfg(target_os = "linux")]
#[test]
fn the_users_own_configuration_lies_below_a_folders() {
    let simdex = Simdex::new();
    let own = "[crawl]\nproxy = \"http://127.0.0.1:9\"\nmax_attempts = 1\n";
    write(&simdex, "no-config/simdex/config.toml", own);
    // The repository's commented file, in which everything is at its default.
    write(&simdex, "config.toml", include_str!("../../config.toml"));
    let args = [
        "crawl",
        "http://gallery.invalid/",
        "--fetch-only",
        "--format",
        "json",
    ];
    let run = simdex.run(&[&args, &FAST[..]].concat());
    // It is the proxy that does not answer: no name was asked for here.
    assert_eq!(run.json()["refused"], json!({"robots_unreachable": 1}));
    assert!(!run.stderr.contains("resolve"), "{}", run.stderr);
    let findings = simdex.json(&["doctor"]);
    assert_eq!(
        findings["config"].as_array().unwrap().len(),
        2,
        "{findings}"
    );
}

/// All that a crawl wrote: what it printed, its logs and its store.
fn written(simdex: &Simdex, run: &Run) -> Vec<(String, Vec<u8>)> {
    let files = walkdir::WalkDir::new(simdex.dir.path()).into_iter();
    let files = files
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file() && entry.file_name() != "own-config.toml")
        .map(|entry| {
            let name = entry.path().display().to_string();
            (name, std::fs::read(entry.path()).unwrap())
        });
    let printed = [("stdout", &run.stdout), ("stderr", &run.stderr)];
    let printed = printed.map(|(name, text)| (name.to_owned(), text.clone().into_bytes()));
    files.chain(printed).collect()
}

fn assert_untold(simdex: &Simdex, run: &Run) {
    for (name, bytes) in written(simdex, run) {
        let told = bytes
            .windows(SECRET.len())
            .any(|window| window == SECRET.as_bytes());
        assert!(!told, "{name} tells the secret");
    }
}

#[test]
fn secrets_are_sent_and_told_to_nobody_else() {
    let simdex = Simdex::new();
    simdex.configure(&format!(
        "[crawl]\ncookies = true\nsitemaps = false\n\
         [crawl.headers]\nAuthorization = \"Bearer {SECRET}\"\nX-Api-Key = \"{SECRET}\"\n\
         Accept-Language = \"en-GB\"\n\
         [crawl.host.\"127.0.0.1\"]\nheaders = {{ Cookie = \"id={SECRET}\" }}\n"
    ));
    let server = serve(|request| match request.path() {
        "/robots.txt" => Reply::not_found(),
        "/" => Reply::html("<img src=1.jpg>").header("Set-Cookie", "session=hunter2; Path=/"),
        _ => numbered(request),
    });
    let url = server.url("/");
    let args = [
        "crawl",
        &url,
        "-vv",
        "--fetch-only",
        "--allow-private-addresses",
    ];
    let files = [
        "--delay",
        "0",
        "--fetch-log",
        "log.jsonl",
        "--warc",
        "a.warc",
    ];
    let mut command = simdex.command(&[&args[..], &files].concat());
    let run = Run::of(command.env("RUST_LOG", "trace").output().unwrap());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_untold(&simdex, &run);
    let log = server.log();
    for name in ["authorization", "x-api-key", "cookie"] {
        let sent = log.iter().all(|hit| {
            let value = hit.request.header(name);
            value.is_some_and(|value| value.contains(SECRET))
        });
        assert!(sent, "{name} is sent");
    }
    let warc = std::fs::read(simdex.path("a.warc")).unwrap();
    let warc = String::from_utf8_lossy(&warc).to_ascii_lowercase();
    for line in [
        "authorization: [redacted]\r\n",
        "x-api-key: [redacted]\r\n",
        "cookie: [redacted]\r\n",
        "set-cookie: [redacted]\r\n",
        "accept-language: en-gb\r\n",
    ] {
        assert!(warc.contains(line), "{line}");
    }
}

#[test]
fn passwords_of_proxies_are_in_no_message() {
    // Nobody listens there any more.
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for (proxy, code) in [
        (format!("http://me:{SECRET}@{closed}"), 3),
        (format!("socks5://me:{SECRET}@{closed}"), 3),
        (format!("ftp://me:{SECRET}@{closed}"), 1),
        (format!("http://me:{SECRET}@"), 1),
    ] {
        let simdex = Simdex::new();
        simdex.configure(&format!("[crawl]\nproxy = \"{proxy}\"\nmax_attempts = 1\n"));
        let args = [
            "crawl",
            "http://gallery.invalid/",
            "-vv",
            "--fetch-log",
            "log.jsonl",
        ];
        let mut command = simdex.command(&args);
        let run = Run::of(command.env("RUST_LOG", "trace").output().unwrap());
        assert_eq!(run.code, code, "{}{}", run.stdout, run.stderr);
        assert_untold(&simdex, &run);
    }
}

#[test]
fn private_addresses_do_not_open_a_clouds_secrets() {
    let simdex = Simdex::new();
    let verdict = |flags: &[&str]| {
        let seed = "http://169.254.169.254/latest/meta-data/";
        let args = ["crawl", seed, "--dry-run", "--format", "json"];
        let run = simdex.run(&[&args[..], flags].concat());
        run.json()["reason"].clone()
    };
    assert_eq!(verdict(&[]), "private_address");
    assert_eq!(verdict(&["--allow-private-addresses"]), "private_address");
    let named = ["--allow-address", "169.254.169.254"];
    assert_eq!(verdict(&named), "ask_robots");
    let run = simdex.run(&["crawl", "example.org", "--allow-address", "metadata"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
}

#[test]
fn a_single_address_opens_a_server_of_ones_own() {
    let simdex = Simdex::new();
    let server = serve(|request| match request.path() {
        "/" => Reply::html("<img src=1.jpg>"),
        _ => numbered(request),
    });
    let url = server.url("/");
    let args = [
        "crawl",
        &url,
        "--delay",
        "0",
        "--allow-address",
        "127.0.0.1",
        "--fetch-only",
    ];
    assert_eq!(simdex.json(&args)["images_fetched"], 1);
}

/// Puts something into the place of the folder of the index that no folder can be made of.
fn spoil_index(simdex: &Simdex, how: &str) {
    let index = simdex.store().join("index");
    if index.is_dir() {
        std::fs::remove_dir_all(&index).unwrap();
    }
    match how {
        "file" => std::fs::write(&index, "no folder").unwrap(),
        #[cfg(unix)]
        _ => std::os::unix::fs::symlink(Path::new("/no/such/folder"), &index).unwrap(),
        #[cfg(not(unix))]
        _ => unreachable!("there are no such links"),
    }
}

#[test]
fn queries_answer_when_the_index_cannot_be_written() {
    let ways: &[&str] = if cfg!(unix) {
        &["file", "link"]
    } else {
        &["file"]
    };
    for exact_below in [1_000, 1] {
        let simdex = Simdex::filled(3, 4);
        let config = format!("[index]\nexact_below = {exact_below}\n");
        simdex.configure(&config);
        let query = simdex.path("query.jpg");
        std::fs::write(&query, jpeg(Motif::ALL[1], 99)).unwrap();
        let query = query.to_str().unwrap();
        let before = simdex.json(&["query", query]);
        for how in ways {
            spoil_index(&simdex, how);
            let run = simdex.run(&["query", query, "--format", "json"]);
            assert_eq!(run.code, 0, "{how}: {}", run.stderr);
            assert_eq!(run.json()["results"], before["results"], "{how}");
            assert!(
                run.stderr.contains("cannot be saved"),
                "{how}: {}",
                run.stderr
            );
            let status = simdex.run(&["status"]);
            assert_eq!(status.code, 0, "{how}: {}", status.stderr);
            assert!(status.stdout.contains("pictures   12"), "{}", status.stdout);
            assert_eq!(simdex.run(&["verify"]).code, 0);
            assert_eq!(simdex.run(&["doctor"]).code, 0);
            assert_eq!(simdex.run(&["duplicates"]).code, 0);
            // What is stored meanwhile is stored.
            let name = format!("{how}.jpg");
            std::fs::write(simdex.path(&name), jpeg(Motif::ALL[5], 50)).unwrap();
            assert_eq!(simdex.run(&["add", &name]).code, 0);
            let id = simdex.stored().last().unwrap().id.to_string();
            assert_eq!(simdex.run(&["remove", &id]).code, 0);
            let _ = std::fs::remove_file(simdex.store().join("index"));
        }
        let healed = simdex.run(&["query", query, "--format", "json"]);
        assert!(
            !healed.stderr.contains("cannot be saved"),
            "{}",
            healed.stderr
        );
        assert!(simdex.store().join("index").is_dir());
    }
}

#[cfg(unix)]
#[test]
fn the_folder_of_a_new_store_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let simdex = Simdex::new();
    let server = serve(|_| Reply::html("<p>here"));
    crawl(&simdex, &server.url("/"), &["--fetch-only"]);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&simdex.store()), 0o700);
    // One that is shared on purpose stays so.
    let shared = std::fs::Permissions::from_mode(0o750);
    std::fs::set_permissions(simdex.store(), shared).unwrap();
    assert_eq!(simdex.run(&["status"]).code, 0);
    assert_eq!(mode(&simdex.store()), 0o750);
}

#[cfg(target_os = "linux")]
#[test]
fn a_planted_library_does_not_run() {
    use std::os::unix::fs::PermissionsExt;
    let simdex = Simdex::new();
    write(&simdex, "libonnxruntime.so.1.30.0", "not even a library");
    write(
        &simdex,
        "cache/simdex/onnxruntime-1.30.0/libonnxruntime.so.1.30.0",
        "planted",
    );
    simdex.configure("[network]\ninstall_runtime = false\n");
    let doctor = |name: &str, path: &Path| {
        let mut command = simdex.command(&["doctor", "--format", "json"]);
        command.env("XDG_CACHE_HOME", simdex.path("cache"));
        let run = Run::of(
            command
                .env_remove("ORT_DYLIB_PATH")
                .env(name, path)
                .output()
                .unwrap(),
        );
        (
            run.json()["runtime"].to_string(),
            run.json()["problems"].to_string(),
            run.stderr,
        )
    };
    for path in [".", "", ":.:"] {
        let (runtime, problems, stderr) = doctor("LD_LIBRARY_PATH", Path::new(path));
        assert!(!problems.contains("1.30.0"), "{problems}");
        assert!(!runtime.contains("1.30.0"), "{runtime}");
        // Of the one in the cache, where nothing else is found before.
        assert!(runtime != "null" || stderr.contains("not the library that simdex fetched"));
    }
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(simdex.path("cache/simdex"), open).unwrap();
    let (runtime, problems, _) = doctor("LD_LIBRARY_PATH", Path::new(""));
    assert!(
        runtime != "null" || problems.contains("can be written by other users"),
        "{problems}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_beside_the_program_waits_for_the_users_word() {
    let simdex = Simdex::new();
    let (built, program) = (env!("CARGO_BIN_EXE_simdex"), simdex.path("simdex"));
    if std::fs::hard_link(built, &program).is_err() {
        std::fs::copy(built, &program).unwrap();
    }
    write(&simdex, "libonnxruntime.so.1.30.0", "not even a library");
    write(&simdex, "own.toml", "[network]\ninstall_runtime = false\n");
    let doctor = |flags: &[&str]| {
        let output = std::process::Command::new(&program)
            .current_dir(simdex.dir.path())
            .env("XDG_CACHE_HOME", simdex.path("cache"))
            .env_remove("ORT_DYLIB_PATH")
            .args(["--config", "own.toml", "--data-dir", "store"])
            .args(["doctor", "--format", "json"])
            .args(flags)
            .output();
        let run = Run::of(output.unwrap());
        (run.json()["problems"].to_string(), run.stderr)
    };
    let tried = "libonnxruntime.so.1.30.0 does not load";
    let (problems, stderr) = doctor(&[]);
    assert!(stderr.contains("take it once with --trust"), "{stderr}");
    assert!(!problems.contains(tried), "{problems}");
    // Once it is trusted it is remembered, until it is another.
    for flags in [&["--trust"][..], &[]] {
        let (problems, stderr) = doctor(flags);
        assert!(problems.contains(tried), "{problems}");
        assert!(!stderr.contains("--trust"), "{stderr}");
    }
    write(&simdex, "libonnxruntime.so.1.30.0", "another");
    let (problems, _) = doctor(&[]);
    assert!(!problems.contains(tried), "{problems}");
}
