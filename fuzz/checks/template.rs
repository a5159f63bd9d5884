//! Any brand, purpose, payee and last line are taken as they are or not at all; what is taken makes a text of one
//! segment in every language, with the code in it, no line but the last one, and no second code.

use domain::text::segment::{ReferenceWidth, count_segments};
use domain::verification::binding::{Binding, BindingParts};
use domain::verification::code::Code;
use domain::verification::state::Rules;
use domain::verification::template::Notice;
use domain::verification::template::act::Act;
use domain::verification::template::insert::{Brand, Purpose};
use domain::verification::template::language::{Language, Locale};
use domain::verification::template::last_line::{AppHash, LastLine, OriginHost};

const CODE: &str = "482913";

/// Three lines: brand, purpose, last line.
pub fn check(octets: &[u8]) {
    let Ok(text) = core::str::from_utf8(octets) else {
        return;
    };
    if let Ok(locale) = Locale::parse(text) {
        let _ = Language::negotiate(&[locale], Language::English);
    }
    // A line feed inside any of the three is tried with the whole text as each of them.
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or("Shop");
    for [brand, purpose, last] in [
        [line(), line(), line()],
        [text, text, text],
        ["Shop", text, ""],
    ] {
        let (Ok(brand), Ok(purpose)) = (Brand::parse(brand), Purpose::parse(purpose)) else {
            continue;
        };
        for last_line in last_lines(last) {
            render((&brand, &purpose, None), &last_line);
            if let Some(act) = act(last) {
                render((&brand, &purpose, Some(&act)), &last_line);
            }
        }
    }
}

fn last_lines(text: &str) -> Vec<LastLine> {
    let host = OriginHost::parse(text).ok().map(LastLine::Origin);
    let app = AppHash::parse(text).ok().map(LastLine::App);
    [Some(LastLine::None), host, app]
        .into_iter()
        .flatten()
        .collect()
}

/// A payment to somebody of that name.
fn act(payee: &str) -> Option<Act> {
    let parts = BindingParts {
        payee: Some(payee),
        ..BindingParts::default()
    };
    Act::of(&Binding::parse(&parts).ok()?).ok()?
}

fn render((brand, purpose, act): (&Brand, &Purpose, Option<&Act>), last_line: &LastLine) {
    let code = Code::parse(CODE).expect("six digits");
    let feeds = usize::from(!matches!(last_line, LastLine::None));
    for language in Language::ALL {
        let notice = Notice {
            language,
            brand,
            purpose,
            act,
            code: &code,
            rules: Rules::default(),
            last_line,
        };
        let Ok(text) = notice.render() else {
            let is_long = feeds == 1 || act.is_some();
            assert!(is_long, "without a last line and an act every text fits");
            continue;
        };
        let text = text.reveal();
        let count = count_segments(text, ReferenceWidth::Eight).expect("a text that was rendered");
        assert_eq!(count.segments, 1, "{language}");
        assert!(text.contains(CODE), "{language}");
        assert_eq!(text.matches('\n').count(), feeds, "{language}");
        assert!(!text.contains('\r') && !text.contains("://"), "{language}");
        let body = text.split('\n').next().unwrap_or_default();
        let numbers = body.split(|c: char| !c.is_numeric());
        let codes = numbers.filter(|number| number.chars().count() >= 4);
        assert!(
            codes.into_iter().all(|number| number == CODE),
            "{language}: a second code"
        );
    }
}
