//! Which URLs are queued, and in which form.

use super::*;

fn url(text: &str) -> CanonicalUrl {
    CanonicalUrl::parse(text).unwrap()
}

fn admission(config: &str) -> Admission {
    Admission::new(&toml::from_str(config).unwrap()).unwrap()
}

fn path(admission: &Admission, path: &str) -> Result<String, Rejection> {
    let admitted = admission.admit(url(&format!("http://h{path}")), Role::Page)?;
    Ok(admitted.as_str()["http://h".len()..].to_owned())
}

#[test]
fn pages_are_included_and_both_are_excluded() {
    let admission = admission(
        r#"include = ['^https?://h/(birds|trees)/']
           exclude = ['\.gif$', '(?i)/thumbs?/']"#,
    );
    for (text, page, picture) in [
        ("http://h/birds/owl", None, None),
        ("http://h/fish/eel", Some("not_included"), None),
        ("http://h/birds/owl.gif", Some("excluded"), Some("excluded")),
        (
            "http://h/trees/Thumb/oak",
            Some("excluded"),
            Some("excluded"),
        ),
        ("http://cdn/oak.jpg", Some("not_included"), None),
    ] {
        let name = |role| {
            let result = admission.admit(url(text), role);
            result.err().map(Rejection::name)
        };
        assert_eq!(name(Role::Page), page, "{text}");
        assert_eq!(name(Role::Picture), picture, "{text}");
    }
}

#[test]
fn a_bad_expression_is_named() {
    for (config, key) in [
        ("include = ['a', '(b']", "include"),
        ("exclude = ['(b']", "exclude"),
    ] {
        let error = Admission::new(&toml::from_str(config).unwrap()).unwrap_err();
        assert_eq!((error.key, error.pattern.as_str()), (key, "(b"));
        assert!(
            error
                .to_string()
                .contains(&format!("crawl.admission.{key}: \"(b\""))
        );
    }
    let large = format!("include = ['{}']", r"\w{900}".repeat(9));
    assert!(Admission::new(&toml::from_str(&large).unwrap()).is_err());
}

#[test]
fn tracking_and_sessions_are_dropped() {
    let admission = admission("");
    for (from, to) in [
        ("/a?utm_source=x&id=3&utm_medium=y", "/a?id=3"),
        ("/a?gclid=1&FBCLID=2&mc_eid=3&msclkid=4", "/a"),
        ("/a?id=3&PHPSESSID=5f&b", "/a?id=3&b"),
        ("/a?ASPSESSIONIDABCD=5f&sid=0123456789abcdef", "/a"),
        (
            "/a?sid=31&sessionid=the-opening-session",
            "/a?sid=31&sessionid=the-opening-session",
        ),
        ("/a;jsessionid=5F.node1?b=1", "/a?b=1"),
        ("/a;JSESSIONID=5F/b;v=1;CFID=2/c", "/a/b;v=1/c"),
        ("/a;sid", "/a;sid"),
        ("/a?z=1&a=2", "/a?z=1&a=2"),
        (
            "/a?utmost=1&side=2&session=3",
            "/a?utmost=1&side=2&session=3",
        ),
        ("/a?x=utm_source", "/a?x=utm_source"),
        ("/a?q=a%26sid=1", "/a?q=a%26sid=1"),
    ] {
        assert_eq!(path(&admission, from).as_deref(), Ok(to), "{from}");
    }
}

#[test]
fn dropping_and_sorting_are_configured() {
    let own = admission("drop_parameters = ['Ref', 'x_*']\ndrop_sessions = false");
    let session = "sid=0123456789abcdef";
    assert_eq!(
        path(&own, &format!("/a?ref=1&x_y=2&utm_id=3&{session}")),
        Ok(format!("/a?utm_id=3&{session}"))
    );
    assert_eq!(
        path(&own, "/a;jsessionid=1"),
        Ok("/a;jsessionid=1".to_owned())
    );
    let sorted = admission("sort_parameters = true");
    assert_eq!(
        path(&sorted, "/a?c&b=2&a=3&b=1"),
        Ok("/a?a=3&b=2&b=1&c".to_owned())
    );
}

#[test]
fn traps() {
    let admission = admission("");
    for (text, expected) in [
        ("/a/b/c", None),
        ("/a/a/b", None),
        ("/a/b/a/b/", None),
        ("/a/a/a", Some("trap_repeats")),
        ("/x/a/b/a/b/a/b/y", Some("trap_repeats")),
        ("/a/b/c/a/b/c/a/b/c", Some("trap_repeats")),
        ("/a/b/c/a/b/c/a/b/d", None),
        ("/2024/01/01/01", Some("trap_repeats")),
        ("/a///", Some("trap_repeats")),
    ] {
        let name = path(&admission, text).err().map(Rejection::name);
        assert_eq!(name, expected, "{text}");
    }
    let many = |count: usize, join: &str| {
        let parts: Vec<_> = (0..count).map(|i| format!("p{i}")).collect();
        parts.join(join)
    };
    let error = |text: String| path(&admission, &text).err().map(Rejection::name);
    assert_eq!(error(format!("/{}", many(20, "/"))), None);
    assert_eq!(error(format!("/{}", many(21, "/"))), Some("trap_segments"));
    assert_eq!(error(format!("/?{}", many(16, "&"))), None);
    assert_eq!(
        error(format!("/?{}", many(17, "&"))),
        Some("trap_parameters")
    );
    let picture = url("http://h/a/a/a/a.jpg?size=1&size=2");
    assert!(admission.admit(picture, Role::Picture).is_ok());
    let unlimited = self::admission("max_repeats = 0\nmax_length = 30");
    assert_eq!(path(&unlimited, "/a/a/a/a"), Ok("/a/a/a/a".to_owned()));
    let long = path(&unlimited, &format!("/{}", "a".repeat(30)));
    assert_eq!(long, Err(Rejection::Trap(Trap::Length)));
}
