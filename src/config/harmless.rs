//! What a configuration may set that was found, not named: the `config.toml` of a folder that may
//! have come from elsewhere. Every key has a rule here; one without does not compile.

use super::{
    AdmissionConfig, Config, CrawlConfig, IndexConfig, NetworkConfig, PictureConfig, QueryConfig,
    Respect, StoreConfig,
};

/// Keys that are set to what their rules do not allow.
type Refused = Vec<&'static str>;

/// Lays what was found in the current folder over the user's own. A key that is at its default
/// says nothing.
///
/// # Errors
/// The keys that only the user's own file may set so.
pub(super) fn with_harmless(here: Config, own: Config) -> Result<Config, Vec<&'static str>> {
    let mut refused = Refused::new();
    let config = whole(&mut refused, here, own);
    match refused.is_empty() {
        true => Ok(config),
        false => Err(refused),
    }
}

/// Applies a rule to each key of a table. Taking the type apart makes a key that has no rule a
/// compiler's error.
macro_rules! rules {
    ($refused:ident, $table:literal, $type:ident, $here:ident, $own:ident, {
        $($(#[$feature:meta])? $key:ident: $rule:ident),+ $(,)?
    }) => {{
        let default = $type::default();
        let $type { $($(#[$feature])? $key),+ } = $here;
        $type {
            $($(#[$feature])? $key: $rule($refused, concat!($table, stringify!($key)), Values {
                here: $key,
                default: default.$key,
                own: $own.$key,
            })),+
        }
    }};
}

/// The values of one key: in the folder's file, by default, in the user's own file.
struct Values<T> {
    here: T,
    default: T,
    own: T,
}

fn whole(refused: &mut Refused, here: Config, own: Config) -> Config {
    rules!(refused, "", Config, here, own, {
        // Where the store is, what is written and what is deleted.
        data_dir: own_only,
        network: network_rules,
        store: store_rules,
        picture: picture_rules,
        crawl: crawl_rules,
        index: index_rules,
        query: query_rules,
        files: own_only_unseen,
    })
}

fn network_rules(refused: &mut Refused, _: &str, values: Values<NetworkConfig>) -> NetworkConfig {
    let Values { here, own, .. } = values;
    rules!(refused, "[network] ", NetworkConfig, here, own, {
        // Read and run.
        manifest: own_only,
        projection: own_only,
        runtime: own_only,
        install_runtime: at_most,
        // Other libraries of the system are loaded for it.
        device: own_only,
        trust_library: own_only,
    })
}

fn store_rules(refused: &mut Refused, _: &str, values: Values<StoreConfig>) -> StoreConfig {
    let Values { here, own, .. } = values;
    rules!(refused, "[store] ", StoreConfig, here, own, {
        keep: any,
        activations: any,
        reserve_disk_mb: at_least,
        // Where everything that is stored goes, and a password.
        #[cfg(feature = "cluster")]
        url: own_only,
        #[cfg(feature = "cluster")]
        blocks: own_only,
        #[cfg(feature = "cluster")]
        cache_mb: at_most,
    })
}

fn picture_rules(refused: &mut Refused, _: &str, values: Values<PictureConfig>) -> PictureConfig {
    let Values { here, own, .. } = values;
    rules!(refused, "[picture] ", PictureConfig, here, own, {
        max_bytes: at_most,
        max_file_bytes: at_most,
        max_pixels: at_most,
        decode_budget_mb: at_most,
        min_side: larger,
        truncated: any,
    })
}

fn crawl_rules(refused: &mut Refused, _: &str, values: Values<CrawlConfig>) -> CrawlConfig {
    let Values { here, own, .. } = values;
    rules!(refused, "[crawl] ", CrawlConfig, here, own, {
        contact: any,
        // A wider one asks hosts that the user has not named.
        scope: at_most,
        delay_ms: at_least,
        max_crawl_delay_s: at_least,
        concurrency: at_most,
        host_concurrency: at_most,
        max_depth: limit,
        max_pages: limit,
        max_images: limit,
        max_page_bytes: at_most,
        gone_after: at_least,
        max_removed_share: at_most,
        max_redirects: at_most,
        max_attempts: at_most,
        connect_timeout_ms: at_most,
        first_byte_timeout_ms: at_most,
        idle_timeout_ms: at_most,
        total_timeout_ms: at_most,
        allow_private_addresses: at_most,
        allow_addresses: own_only,
        latency_factor: at_least,
        max_host_pages: limit,
        // Where requests go, and what goes with them.
        proxy: own_only,
        headers: own_only,
        cookies: at_most,
        send_referer: at_most,
        sitemaps: any,
        icons: any,
        respect: respect_rules,
        admission: admission_rules,
        resolve: own_only,
        // A more exact pattern would lift what the user has set for a host.
        host: own_only,
    })
}

fn respect_rules(refused: &mut Refused, _: &str, values: Values<Respect>) -> Respect {
    let Values { here, own, .. } = values;
    rules!(refused, "[crawl.respect] ", Respect, here, own, {
        noindex: at_least,
        noimageindex: at_least,
        noai: at_least,
        nofollow: at_least,
        unavailable_after: at_least,
        tdm: at_least,
        content_usage: at_least,
    })
}

fn admission_rules(
    refused: &mut Refused,
    _: &str,
    values: Values<AdmissionConfig>,
) -> AdmissionConfig {
    let Values { here, own, .. } = values;
    rules!(refused, "[crawl.admission] ", AdmissionConfig, here, own, {
        // A page has to match one of the list: a longer list, and another one, lets in more.
        include: unless_own,
        exclude: joined,
        drop_parameters: joined_if_own,
        drop_sessions: any,
        sort_parameters: any,
        max_length: at_most,
        max_segments: at_most,
        max_parameters: at_most,
        max_repeats: at_most_but_not_0,
    })
}

fn index_rules(refused: &mut Refused, _: &str, values: Values<IndexConfig>) -> IndexConfig {
    let Values { here, own, .. } = values;
    rules!(refused, "[index] ", IndexConfig, here, own, {
        exact_below: any,
        links: any,
        ef_construction: any,
        ef_factor: any,
        #[cfg(feature = "cluster")]
        on: any,
    })
}

fn query_rules(refused: &mut Refused, _: &str, values: Values<QueryConfig>) -> QueryConfig {
    let Values { here, own, .. } = values;
    rules!(refused, "[query] ", QueryConfig, here, own, {
        k: any,
        candidates: any,
        head: shipped_head,
    })
}

/// Any value is harmless.
fn any<T: PartialEq>(_: &mut Refused, _: &'static str, values: Values<T>) -> T {
    match values.here == values.default {
        true => values.own,
        false => values.here,
    }
}

/// Only the user's own file may set it.
fn own_only<T: PartialEq>(refused: &mut Refused, key: &'static str, values: Values<T>) -> T {
    if values.here != values.default {
        refused.push(key);
    }
    values.own
}

/// Any value is harmless where the user's own file says nothing.
fn unless_own<T: PartialEq>(refused: &mut Refused, key: &'static str, values: Values<T>) -> T {
    let Values { here, default, own } = values;
    let is_said_by_both = here != default && own != default;
    if is_said_by_both && here != own {
        refused.push(key);
    }
    match own == default {
        true => here,
        false => own,
    }
}

/// Any value is harmless; larger is more careful, and the more careful of two counts.
fn larger<T: Ord>(_: &mut Refused, _: &'static str, values: Values<T>) -> T {
    let Values { here, default, own } = values;
    match (here == default, own == default) {
        (true, _) => own,
        (false, true) => here,
        (false, false) => here.max(own),
    }
}

/// No key: it is set by the program.
fn own_only_unseen<T>(_: &mut Refused, _: &'static str, values: Values<T>) -> T {
    values.own
}

/// Larger is more careful than the default, and the more careful of two counts.
fn at_least<T: PartialOrd>(refused: &mut Refused, key: &'static str, values: Values<T>) -> T {
    let Values { here, default, own } = values;
    if here < default {
        refused.push(key);
    }
    match here > default && here > own {
        true => here,
        false => own,
    }
}

/// Smaller is more careful than the default, and the more careful of two counts.
fn at_most<T: PartialOrd>(refused: &mut Refused, key: &'static str, values: Values<T>) -> T {
    let Values { here, default, own } = values;
    if here > default {
        refused.push(key);
    }
    match here < default && here < own {
        true => here,
        false => own,
    }
}

/// The same where 0 stands for no limit.
fn at_most_but_not_0(refused: &mut Refused, key: &'static str, values: Values<usize>) -> usize {
    let unlimited = |value: usize| value.checked_sub(1).unwrap_or(usize::MAX);
    let Values { here, default, own } = values;
    let values = Values {
        here: unlimited(here),
        default: unlimited(default),
        own: unlimited(own),
    };
    at_most(refused, key, values).wrapping_add(1)
}

/// By default there is no limit; the least of two counts.
fn limit<T: Ord>(_: &mut Refused, _: &'static str, values: Values<Option<T>>) -> Option<T> {
    values.here.into_iter().chain(values.own).min()
}

/// Both lists count.
fn joined(_: &mut Refused, _: &'static str, values: Values<Vec<String>>) -> Vec<String> {
    let mut all = values.own;
    all.extend(values.here);
    all
}

/// Both lists count, in place of the default one.
fn joined_if_own(
    refused: &mut Refused,
    key: &'static str,
    values: Values<Vec<String>>,
) -> Vec<String> {
    match values.here == values.default || values.own == values.default {
        true => any(refused, key, values),
        false => joined(refused, key, values),
    }
}

/// A head by its name; a path would have a file read.
fn shipped_head(refused: &mut Refused, key: &'static str, values: Values<String>) -> String {
    if !["fused", "mse18", "embedding"].contains(&values.here.as_str()) {
        refused.push(key);
    }
    any(refused, key, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn what_harms_is_refused_by_its_key() {
        for (text, key) in [
            ("data_dir = \"d\"", "data_dir"),
            ("network.runtime = \"x.so\"", "[network] runtime"),
            ("network.manifest = \"m.toml\"", "[network] manifest"),
            ("network.projection = \"p.bin\"", "[network] projection"),
            ("store.reserve_disk_mb = 1", "[store] reserve_disk_mb"),
            ("picture.max_bytes = 99999999", "[picture] max_bytes"),
            ("picture.max_pixels = 999999999", "[picture] max_pixels"),
            ("crawl.scope = \"any\"", "[crawl] scope"),
            ("crawl.delay_ms = 999", "[crawl] delay_ms"),
            ("crawl.max_crawl_delay_s = 1", "[crawl] max_crawl_delay_s"),
            ("crawl.concurrency = 33", "[crawl] concurrency"),
            ("crawl.host_concurrency = 2", "[crawl] host_concurrency"),
            ("crawl.max_page_bytes = 99999999", "[crawl] max_page_bytes"),
            (
                "crawl.total_timeout_ms = 999999",
                "[crawl] total_timeout_ms",
            ),
            (
                "crawl.allow_private_addresses = true",
                "[crawl] allow_private_addresses",
            ),
            (
                "crawl.allow_addresses = [\"::1\"]",
                "[crawl] allow_addresses",
            ),
            ("crawl.latency_factor = 0.5", "[crawl] latency_factor"),
            ("crawl.proxy = \"http://p:1\"", "[crawl] proxy"),
            ("crawl.headers = { Cookie = \"c\" }", "[crawl] headers"),
            ("crawl.cookies = true", "[crawl] cookies"),
            ("crawl.respect.tdm = false", "[crawl.respect] tdm"),
            ("crawl.respect.noai = false", "[crawl.respect] noai"),
            (
                "crawl.admission.max_repeats = 0",
                "[crawl.admission] max_repeats",
            ),
            (
                "crawl.admission.max_length = 9999",
                "[crawl.admission] max_length",
            ),
            ("crawl.resolve.h = \"127.0.0.1\"", "[crawl] resolve"),
            ("crawl.host.h.delay_ms = 1", "[crawl] host"),
            ("query.head = \"mine.json\"", "[query] head"),
        ] {
            let refused = with_harmless(config(text), Config::default());
            assert_eq!(refused, Err(vec![key]), "{text}");
            // The user's own file may say so, and its word counts.
            let own = config(text);
            assert_eq!(with_harmless(Config::default(), own.clone()), Ok(own));
        }
    }

    #[test]
    fn what_is_harmless_counts() {
        for text in [
            "network.install_runtime = false",
            "store.keep = \"compact\"",
            "store.activations = \"f32\"",
            "store.reserve_disk_mb = 1000",
            "picture.min_side = 1",
            "picture.truncated = \"keep\"",
            "picture.max_bytes = 1000",
            "crawl.contact = \"me@example.org\"",
            "crawl.delay_ms = 2000",
            "crawl.latency_factor = 2.5",
            "crawl.max_pages = 3",
            "crawl.max_host_pages = 3",
            "crawl.max_attempts = 1",
            "crawl.sitemaps = false",
            "crawl.admission.exclude = [\"/private/\"]",
            "crawl.admission.max_repeats = 1",
            "index.exact_below = 1",
            "query.k = 3",
            "query.head = \"mse18\"",
        ] {
            let here = config(text);
            assert_ne!(here, Config::default(), "{text}");
            let found = with_harmless(here.clone(), Config::default());
            assert_eq!(found, Ok(here), "{text}");
        }
    }

    #[test]
    fn the_more_careful_of_two_counts() {
        let own = config(
            "crawl.delay_ms = 5000\ncrawl.max_pages = 10\ncrawl.max_attempts = 1\n\
             crawl.respect.tdm = false\ncrawl.admission.exclude = [\"a\"]\n\
             crawl.admission.max_repeats = 0\n",
        );
        let here = config(
            "crawl.delay_ms = 2000\ncrawl.max_pages = 100\ncrawl.max_attempts = 2\n\
             crawl.admission.exclude = [\"b\"]\ncrawl.admission.max_repeats = 1\n",
        );
        let crawl = with_harmless(here, own).unwrap().crawl;
        assert_eq!((crawl.delay_ms, crawl.max_pages), (5_000, Some(10)));
        assert_eq!((crawl.max_attempts, crawl.respect.tdm), (1, false));
        assert_eq!(crawl.admission.exclude, ["a", "b"]);
        assert_eq!(crawl.admission.max_repeats, 1);
        // A found file lets in nothing that the user's own keeps out.
        let own = config(
            "crawl.admission.include = [\"^http://a/\"]\npicture.min_side = 200\n\
             crawl.admission.drop_parameters = [\"a\"]",
        );
        let refused = with_harmless(config("crawl.admission.include = [\".\"]"), own.clone());
        assert_eq!(refused, Err(vec!["[crawl.admission] include"]));
        let here = config(
            "crawl.admission.include = [\"^http://a/\"]\npicture.min_side = 1\n\
             crawl.admission.drop_parameters = [\"b\"]",
        );
        let both = with_harmless(here.clone(), own.clone()).unwrap();
        assert_eq!(both.picture.min_side, 200);
        assert_eq!(both.crawl.admission.include, own.crawl.admission.include);
        assert_eq!(both.crawl.admission.drop_parameters, ["a", "b"]);
        assert_eq!(with_harmless(Config::default(), own.clone()), Ok(own));
        assert_eq!(with_harmless(here.clone(), Config::default()), Ok(here));
        let none = config("crawl.admission.max_repeats = 0");
        let crawl = with_harmless(Config::default(), none).unwrap().crawl;
        assert_eq!(crawl.admission.max_repeats, 0);
    }
}
