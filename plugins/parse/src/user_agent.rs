//! User agents: which browser, on which system, on what kind of device.
//!
//! A compact set of rules, written for this plugin: it names what most people use and the programs that say what they are, and
//! nothing more. There is no database of models. Every text is a user agent; what no rule knows is null. As browsers claim to be
//! each other, the order of the rules counts: what is more special stands first.

use std::borrow::Cow;

use wasmill_plugin_sdk::text::find_byte;

use crate::parser::{Fixed, Part, Piece};

/// A browser or program: the token before its version, and its name.
struct Family {
    token: &'static str,
    name: &'static str,
}

const fn family(token: &'static str, name: &'static str) -> Family {
    Family { token, name }
}

/// A browser that a program runs, so a bot too.
const HEADLESS: &str = "Headless Chrome";

/// Browsers, the more special first: nearly all of them name Chrome or Safari too.
const BROWSERS: &[Family] = &[
    family("Edg/", "Edge"),
    family("EdgA/", "Edge"),
    family("EdgiOS/", "Edge"),
    family("Edge/", "Edge"),
    family("OPR/", "Opera"),
    family("OPiOS/", "Opera"),
    family("Opera Mini/", "Opera Mini"),
    family("SamsungBrowser/", "Samsung Internet"),
    family("YaBrowser/", "Yandex Browser"),
    family("Vivaldi/", "Vivaldi"),
    family("UCBrowser/", "UC Browser"),
    family("DuckDuckGo/", "DuckDuckGo"),
    family("Ddg/", "DuckDuckGo"),
    family("MiuiBrowser/", "Miui Browser"),
    family("Silk/", "Silk"),
    family("Electron/", "Electron"),
    family("HeadlessChrome/", HEADLESS),
    family("CriOS/", "Chrome"),
    family("FxiOS/", "Firefox"),
    family("Focus/", "Firefox Focus"),
    family("SeaMonkey/", "SeaMonkey"),
    family("Firefox/", "Firefox"),
    family("Chrome/", "Chrome"),
    family("MSIE ", "Internet Explorer"),
    family("Opera/", "Opera"),
];

/// Programs that fetch pages for no person: device class `bot`. Those of a whole word begin the text.
const PROGRAMS: &[Family] = &[
    family("curl/", "curl"),
    family("Wget/", "Wget"),
    family("python-requests/", "Python Requests"),
    family("Python-urllib/", "Python urllib"),
    family("aiohttp/", "aiohttp"),
    family("Go-http-client/", "Go HTTP client"),
    family("okhttp/", "OkHttp"),
    family("Java/", "Java"),
    family("Apache-HttpClient/", "Apache HttpClient"),
    family("axios/", "axios"),
    family("node-fetch/", "node-fetch"),
    family("PostmanRuntime/", "Postman"),
    family("libwww-perl/", "libwww-perl"),
    family("Ruby", "Ruby"),
    family("facebookexternalhit/", "facebookexternalhit"),
    family("Uptime-Kuma/", "Uptime-Kuma"),
];

/// What bots have in their names, in lower case.
const BOT_WORDS: [&str; 6] = ["bot", "crawler", "spider", "slurp", "archiver", "monitoring"];

/// The format `user_agent`.
pub fn format() -> Fixed<5> {
    let parts = ["family", "version", "os", "os_version", "device"].map(Part::text).to_vec();
    Fixed {
        parts,
        split: Box::new(|text| Some(split(text))),
        rule: "bad-user-agent",
        expected: "user agent",
    }
}

fn split(text: &str) -> [Piece<'_>; 5] {
    let bot = bot(text);
    let (family, version) = match &bot {
        Some((name, version)) => (Some(*name), *version),
        None => browser(text),
    };
    let (os, os_version) = system(text);
    let is_bot = bot.is_some() || family == Some(HEADLESS);
    let device = if is_bot { Some("bot") } else { device(text, os) };
    let version = version.filter(|version| !version.is_empty());
    [
        family.map(Cow::Borrowed),
        version.map(Cow::Borrowed),
        os.map(Cow::Borrowed),
        os_version.filter(|version| !version.is_empty()),
        device.map(Cow::Borrowed),
    ]
}

/// Digits and points at the start.
fn leading_version(text: &str) -> &str {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit() && byte != b'.');
    text[..end.unwrap_or(text.len())].trim_end_matches('.')
}

/// What comes after the first `token`, which begins with an ASCII character.
///
/// Its first byte is searched for, and what follows it compared: the searches of the standard library prepare themselves for longer
/// texts than these.
fn after<'t>(text: &'t str, token: &str) -> Option<&'t str> {
    let (first, _) = token.as_bytes().split_first()?;
    let mut rest = text;
    while let Some(at) = find_byte(rest.as_bytes(), *first) {
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix(token) {
            return Some(after);
        }
        rest = &rest[1..];
    }
    None
}

fn contains(text: &str, token: &str) -> bool {
    after(text, token).is_some()
}

/// A program or a bot, by its own name.
fn bot(text: &str) -> Option<(&str, Option<&str>)> {
    for program in PROGRAMS {
        if let Some(rest) = text.strip_prefix(program.token) {
            return Some((program.name, Some(leading_version(rest))));
        }
    }
    if !has_bot_word(text) {
        return None;
    }
    // The word that a bot calls itself, such as `Googlebot` in `(compatible; Googlebot/2.1; +http://...)`.
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let mut rest = text;
    while let Some(start) = rest.bytes().position(is_part) {
        let word = &rest[start..];
        let end = word.bytes().position(|byte| !is_part(byte)).unwrap_or(word.len());
        let (word, next) = word.split_at(end);
        // The address in which a bot explains itself is no name, and a Cubot is a telephone.
        let is_address = next.starts_with("://") || rest[..start].ends_with(['/', '@', '+']);
        if !is_address && is_bot_word(word) {
            return Some((word, next.strip_prefix('/').map(leading_version)));
        }
        rest = next;
    }
    None
}

fn is_bot_word(word: &str) -> bool {
    has_bot_word(word) && !word.eq_ignore_ascii_case("cubot") && !word.contains(".com")
}

/// Whether any of the words of bots is in a text, in any case.
fn has_bot_word(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().any(|(at, byte)| {
        let first = byte.to_ascii_lowercase();
        matches!(first, b'b' | b'c' | b's' | b'a' | b'm')
            && BOT_WORDS.iter().any(|word| {
                word.as_bytes()[0] == first
                    && bytes[at..]
                        .get(..word.len())
                        .is_some_and(|part| part.eq_ignore_ascii_case(word.as_bytes()))
            })
    })
}

fn browser(text: &str) -> (Option<&'static str>, Option<&str>) {
    for browser in BROWSERS {
        if let Some(rest) = after(text, browser.token) {
            // The old Opera says its version elsewhere.
            let version = match (browser.token, after(text, "Version/")) {
                ("Opera/", Some(rest)) => rest,
                _ => rest,
            };
            return (Some(browser.name), Some(leading_version(version)));
        }
    }
    if contains(text, "Trident/") {
        return (Some("Internet Explorer"), after(text, "rv:").map(leading_version));
    }
    let version = after(text, "Version/").map(leading_version);
    if contains(text, "Android") && contains(text, "AppleWebKit") {
        return (Some("Android Browser"), version);
    }
    if contains(text, "Safari/") {
        return (Some("Safari"), version);
    }
    (None, None)
}

fn system(text: &str) -> (Option<&'static str>, Option<Cow<'_, str>>) {
    let dotted = |text: &str| {
        let end = text.bytes().position(|byte| !byte.is_ascii_digit() && !b"._".contains(&byte));
        Cow::<str>::Owned(text[..end.unwrap_or(text.len())].replace('_', "."))
    };
    let plain = |rest: &'_ str| leading_version(rest).to_owned().into();
    if let Some(rest) = after(text, "Windows Phone") {
        return (Some("Windows Phone"), Some(plain(rest.trim_start_matches(" OS").trim_start())));
    }
    if let Some(rest) = after(text, "Windows NT ") {
        let version = match leading_version(rest) {
            // Windows 11 says so too.
            "10.0" => "10",
            "6.3" => "8.1",
            "6.2" => "8",
            "6.1" => "7",
            "6.0" => "Vista",
            "5.1" | "5.2" => "XP",
            "5.0" => "2000",
            other => other,
        };
        return (Some("Windows"), Some(Cow::Borrowed(version)));
    }
    if contains(text, "Windows") {
        return (Some("Windows"), None);
    }
    for token in ["iPhone OS ", "CPU OS "] {
        if let Some(rest) = after(text, token) {
            return (Some("iOS"), Some(dotted(rest)));
        }
    }
    if contains(text, "iPhone") || contains(text, "iPad") {
        return (Some("iOS"), None);
    }
    if let Some(rest) = after(text, "Mac OS X") {
        return (Some("macOS"), Some(dotted(rest.trim_start())));
    }
    if let Some(rest) = after(text, "Android") {
        return (Some("Android"), Some(plain(rest.trim_start())));
    }
    if let Some(rest) = after(text, "CrOS ") {
        let version = rest.split_once(' ').map(|(_, rest)| plain(rest));
        return (Some("ChromeOS"), version);
    }
    if let Some(rest) = after(text, "Tizen ") {
        return (Some("Tizen"), Some(plain(rest)));
    }
    if contains(text, "Web0S") || contains(text, "webOS") {
        return (Some("webOS"), None);
    }
    if contains(text, "PlayStation") {
        return (Some("PlayStation"), None);
    }
    if contains(text, "Linux") || contains(text, "X11") {
        return (Some("Linux"), None);
    }
    (None, None)
}

fn device(text: &str, os: Option<&str>) -> Option<&'static str> {
    let has_one = |words: &[&str]| words.iter().any(|word| contains(text, word));
    if has_one(&["PlayStation", "Xbox", "Nintendo"]) {
        return Some("console");
    }
    if has_one(&[
        "SmartTV", "SMART-TV", "Smart-TV", "GoogleTV", "AppleTV", "Apple TV", "BRAVIA", "Web0S",
        "HbbTV", "AFTT",
    ]) {
        return Some("tv");
    }
    if has_one(&["iPad", "Tablet", "PlayBook", "Kindle", "Silk/"]) {
        return Some("tablet");
    }
    match os {
        Some("Android") if !contains(text, "Mobile") && !contains(text, "Opera Mini") => {
            Some("tablet")
        }
        Some("Android" | "iOS" | "Windows Phone") => Some("mobile"),
        Some(_) if contains(text, "Mobile") => Some("mobile"),
        Some("Windows" | "macOS" | "ChromeOS" | "Linux") => Some("desktop"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> [String; 5] {
        split(text).map(|piece| piece.map_or("-".to_owned(), Cow::into_owned))
    }

    #[test]
    fn known_user_agents() {
        for (text, expected) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
                ["Chrome", "120.0.0.0", "Windows", "10", "desktop"],
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0.2210.61",
                ["Edge", "120.0.2210.61", "Windows", "10", "desktop"],
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Safari/605.1.15",
                ["Safari", "17.2", "macOS", "10.15.7", "desktop"],
            ),
            (
                "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
                ["Firefox", "121.0", "Linux", "-", "desktop"],
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Mobile/15E148 Safari/604.1",
                ["Safari", "17.2", "iOS", "17.2.1", "mobile"],
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/120.0.6099.50 Mobile/15E148 Safari/604.1",
                ["Chrome", "120.0.6099.50", "iOS", "16.6", "tablet"],
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36",
                ["Samsung Internet", "23.0", "Android", "14", "mobile"],
            ),
            (
                "Mozilla/5.0 (Linux; Android 13; SM-X906C) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36",
                ["Chrome", "119.0.0.0", "Android", "13", "tablet"],
            ),
            (
                "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
                ["Internet Explorer", "11.0", "Windows", "7", "desktop"],
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
                ["Chrome", "120.0.0.0", "ChromeOS", "14541.0.0", "desktop"],
            ),
            (
                "Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.16",
                ["Opera", "12.16", "Windows", "7", "desktop"],
            ),
            (
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                ["Googlebot", "2.1", "-", "-", "bot"],
            ),
            (
                "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                ["Googlebot", "2.1", "Android", "6.0.1", "bot"],
            ),
            ("curl/8.4.0", ["curl", "8.4.0", "-", "-", "bot"]),
            ("Uptime-Kuma/1.23.11", ["Uptime-Kuma", "1.23.11", "-", "-", "bot"]),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36",
                ["Headless Chrome", "120.0.0.0", "Linux", "-", "bot"],
            ),
            (
                "Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/100.0.0.0 Mobile Safari/537.36",
                ["Chrome", "100.0.0.0", "Android", "9", "mobile"],
            ),
            (
                "Mozilla/5.0 (PlayStation 5 3.03/SmartTV) AppleWebKit/605.1.15 (KHTML, like Gecko)",
                ["-", "-", "PlayStation", "-", "console"],
            ),
            ("", ["-", "-", "-", "-", "-"]),
            ("ÄÖÜ Chrome/", ["Chrome", "-", "-", "-", "-"]),
        ] {
            assert_eq!(parts(text), expected.map(str::to_owned), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in ".*", odd in r"[botBOT/.é ;0-9_]*", tail in ".*") {
            split(&text);
            split(&odd);
            for family in BROWSERS.iter().chain(PROGRAMS) {
                split(&format!("{}{tail}", family.token));
            }
            for token in ["Windows NT ", "Windows Phone", "CPU OS ", "Mac OS X", "Android", "CrOS "] {
                split(&format!("{token}{tail}"));
            }
        }
    }
}
