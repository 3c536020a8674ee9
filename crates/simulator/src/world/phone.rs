//! Phone numbers as WhatsApp reads them: which number a text means, and the id WhatsApp gives it.

/// Calling codes and the country a business-scoped user id of such a number begins with. Where countries share a code the
/// largest stands for all; a code that is not here counts as `ZZ`.
const COUNTRIES: &[(&str, &str)] = &[
    ("1", "US"),
    ("7", "RU"),
    ("20", "EG"),
    ("27", "ZA"),
    ("30", "GR"),
    ("31", "NL"),
    ("32", "BE"),
    ("33", "FR"),
    ("34", "ES"),
    ("36", "HU"),
    ("39", "IT"),
    ("40", "RO"),
    ("41", "CH"),
    ("43", "AT"),
    ("44", "GB"),
    ("45", "DK"),
    ("46", "SE"),
    ("47", "NO"),
    ("48", "PL"),
    ("49", "DE"),
    ("51", "PE"),
    ("52", "MX"),
    ("53", "CU"),
    ("54", "AR"),
    ("55", "BR"),
    ("56", "CL"),
    ("57", "CO"),
    ("58", "VE"),
    ("60", "MY"),
    ("61", "AU"),
    ("62", "ID"),
    ("63", "PH"),
    ("64", "NZ"),
    ("65", "SG"),
    ("66", "TH"),
    ("81", "JP"),
    ("82", "KR"),
    ("84", "VN"),
    ("86", "CN"),
    ("90", "TR"),
    ("91", "IN"),
    ("92", "PK"),
    ("93", "AF"),
    ("94", "LK"),
    ("95", "MM"),
    ("98", "IR"),
    ("211", "SS"),
    ("212", "MA"),
    ("213", "DZ"),
    ("216", "TN"),
    ("218", "LY"),
    ("220", "GM"),
    ("221", "SN"),
    ("223", "ML"),
    ("224", "GN"),
    ("225", "CI"),
    ("226", "BF"),
    ("227", "NE"),
    ("228", "TG"),
    ("229", "BJ"),
    ("230", "MU"),
    ("231", "LR"),
    ("232", "SL"),
    ("233", "GH"),
    ("234", "NG"),
    ("235", "TD"),
    ("237", "CM"),
    ("240", "GQ"),
    ("241", "GA"),
    ("242", "CG"),
    ("243", "CD"),
    ("244", "AO"),
    ("249", "SD"),
    ("250", "RW"),
    ("251", "ET"),
    ("252", "SO"),
    ("254", "KE"),
    ("255", "TZ"),
    ("256", "UG"),
    ("257", "BI"),
    ("258", "MZ"),
    ("260", "ZM"),
    ("261", "MG"),
    ("263", "ZW"),
    ("264", "NA"),
    ("265", "MW"),
    ("267", "BW"),
    ("351", "PT"),
    ("352", "LU"),
    ("353", "IE"),
    ("354", "IS"),
    ("355", "AL"),
    ("356", "MT"),
    ("357", "CY"),
    ("358", "FI"),
    ("359", "BG"),
    ("370", "LT"),
    ("371", "LV"),
    ("372", "EE"),
    ("373", "MD"),
    ("374", "AM"),
    ("375", "BY"),
    ("380", "UA"),
    ("381", "RS"),
    ("382", "ME"),
    ("385", "HR"),
    ("386", "SI"),
    ("387", "BA"),
    ("389", "MK"),
    ("420", "CZ"),
    ("421", "SK"),
    ("501", "BZ"),
    ("502", "GT"),
    ("503", "SV"),
    ("504", "HN"),
    ("505", "NI"),
    ("506", "CR"),
    ("507", "PA"),
    ("509", "HT"),
    ("591", "BO"),
    ("592", "GY"),
    ("593", "EC"),
    ("595", "PY"),
    ("598", "UY"),
    ("852", "HK"),
    ("853", "MO"),
    ("855", "KH"),
    ("856", "LA"),
    ("880", "BD"),
    ("886", "TW"),
    ("960", "MV"),
    ("961", "LB"),
    ("962", "JO"),
    ("963", "SY"),
    ("964", "IQ"),
    ("965", "KW"),
    ("966", "SA"),
    ("967", "YE"),
    ("968", "OM"),
    ("970", "PS"),
    ("971", "AE"),
    ("972", "IL"),
    ("973", "BH"),
    ("974", "QA"),
    ("975", "BT"),
    ("976", "MN"),
    ("977", "NP"),
    ("992", "TJ"),
    ("993", "TM"),
    ("994", "AZ"),
    ("995", "GE"),
    ("996", "KG"),
    ("998", "UZ"),
];

/// Shortest and longest number that can be dialled: E.164.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// The digits of a phone number as WhatsApp knows it, without `+`.
pub(crate) type WaId = String;

/// The calling code that these digits begin with, and its country.
pub(crate) fn calling_code(digits: &str) -> Option<(&'static str, &'static str)> {
    // Calling codes are prefix-free, so the first match is the only one.
    COUNTRIES.iter().find(|(code, _)| digits.starts_with(code)).copied()
}

/// The country letters of a business-scoped user id for this number.
pub(crate) fn country(digits: &str) -> &'static str {
    calling_code(digits).map_or("ZZ", |(_, country)| country)
}

/// Takes out what people write between digits; nothing when something else is in there.
fn digits_of(text: &str) -> Option<(bool, String)> {
    let text = text.trim();
    let (plus, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
    let mut digits = String::with_capacity(rest.len());
    for c in rest.chars() {
        match c {
            '0'..='9' => digits.push(c),
            ' ' | '-' | '(' | ')' => {}
            _ => return None,
        }
    }
    Some((plus, digits))
}

/// The digits of a number written with its country; nothing when it is not one.
pub(crate) fn international(text: &str) -> Option<String> {
    let (plus, digits) = digits_of(text)?;
    (plus && DIGITS.contains(&digits.len()) && !digits.starts_with('0')).then_some(digits)
}

/// The id WhatsApp has for these digits. It differs from what is dialled in Brazil, where the ninth digit of mobile numbers
/// is dropped, in Mexico, where the `1` after the country is, and in Argentina, where a `9` comes before the area.
pub(crate) fn wa_id(digits: &str) -> WaId {
    if let Some(national) = digits.strip_prefix("55")
        && national.len() == 11
        && let Some((area, line)) = national.split_at_checked(2)
        && let Some(short) = line.strip_prefix('9')
    {
        return format!("55{area}{short}");
    }
    if let Some(line) = digits.strip_prefix("521")
        && line.len() == 10
    {
        return format!("52{line}");
    }
    if let Some(national) = digits.strip_prefix("54")
        && national.len() == 10
        && !national.starts_with('9')
    {
        return format!("549{national}");
    }
    digits.to_owned()
}

/// Which number the `to` of a send means. Without a leading `+` Meta may take it for a national number of the sender's own
/// country (WA messages/send-messages): it does here, unless somebody is known under the digits as they stand.
pub(crate) fn meant(text: &str, own_digits: &str, is_known: impl Fn(&str) -> bool) -> Option<WaId> {
    let (plus, digits) = digits_of(text)?;
    let plausible = |digits: &str| DIGITS.contains(&digits.len()) && !digits.starts_with('0');
    if plus {
        return plausible(&digits).then(|| wa_id(&digits));
    }
    if plausible(&digits) && is_known(&wa_id(&digits)) {
        return Some(wa_id(&digits));
    }
    let own_code = calling_code(own_digits).map_or("", |(code, _)| code);
    let national = format!("{own_code}{digits}");
    if plausible(&national) && is_known(&wa_id(&national)) {
        return Some(wa_id(&national));
    }
    // Long enough to carry a country of its own: taken as it stands.
    if plausible(&digits) && digits.len() >= 11 && calling_code(&digits).is_some() {
        return Some(wa_id(&digits));
    }
    plausible(&national).then(|| wa_id(&national))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wa_ids_differ_in_brazil_mexico_and_argentina_only() {
        assert_eq!(wa_id("5511987654321"), "551187654321");
        assert_eq!(wa_id("551187654321"), "551187654321");
        assert_eq!(wa_id("5215512345678"), "525512345678");
        assert_eq!(wa_id("525512345678"), "525512345678");
        assert_eq!(wa_id("541123456789"), "5491123456789");
        assert_eq!(wa_id("5491123456789"), "5491123456789");
        assert_eq!(wa_id("4915112345678"), "4915112345678");
    }

    #[test]
    fn a_number_without_plus_may_be_taken_for_a_national_one() {
        let nobody = |_: &str| false;
        assert_eq!(meant("+1 (555) 010-0001", "4930", nobody).as_deref(), Some("15550100001"));
        assert_eq!(meant("15112345", "4930", nobody).as_deref(), Some("4915112345"));
        assert_eq!(meant("15550100001", "4930", |id| id == "15550100001").as_deref(), Some("15550100001"));
        assert_eq!(meant("34600111222", "4930", nobody).as_deref(), Some("34600111222"));
        assert_eq!(meant("+49 30 x", "4930", nobody), None);
        assert_eq!(meant("+12", "4930", nobody), None);
    }

    #[test]
    fn calling_codes_are_prefix_free() {
        for (code, _) in COUNTRIES {
            let prefixes = COUNTRIES.iter().filter(|(other, _)| other != code && code.starts_with(other)).count();
            assert_eq!(prefixes, 0, "{code}");
        }
    }
}
