//! Numbers with two spellings: mobile numbers of three countries are dialled with a digit more than they once had, or than
//! WhatsApp knows them by. Both spellings are one subscriber, so that a customer is found by either.
//!
//! | Country | Longer | Shorter | Why |
//! |---|---|---|---|
//! | Brazil | +55 AA 9 XXXX XXXX | +55 AA XXXX XXXX | The ninth digit of mobile numbers, introduced area by area from 2012 to 2016 (Anatel, Resolution 553/2010); many WhatsApp ids have stayed without it. Numbers of eight digits that begin with 2 to 5 are landlines and have no second spelling. |
//! | Mexico | +52 1 + 10 digits | +52 + 10 digits | The 1 before mobile numbers was dropped on 3 August 2019 (IFT, numbering plan); WhatsApp ids exist in both forms. |
//! | Argentina | +54 9 + 10 digits | +54 + 10 digits | The 9 marks a mobile number called from abroad (ENACOM, national numbering plan); WhatsApp ids have it. |
//!
//! That the `wa_id` Meta answers may differ from the number sent to in these countries is Meta's own word (WhatsApp Business
//! Platform, phone numbers). Which of the two Meta uses is taken from its answers and webhooks, never guessed.

use super::Phone;

/// A national number as the digits after the country code, both ways.
struct Plan {
    country: &'static str,
    /// The shorter spelling of what may be a longer one.
    shorter: fn(&str) -> Option<String>,
    /// The longer spelling of what may be a shorter one.
    longer: fn(&str) -> Option<String>,
    /// Whether WhatsApp's own ids usually have the longer spelling.
    longer_at_meta: bool,
}

const PLANS: [Plan; 3] = [
    Plan {
        country: "55",
        // Area, 9, and the eight digits of before, which for mobile numbers began with 6 to 9.
        shorter: |national| {
            let (area, line) = (national.get(..2)?, national.get(2..)?);
            let before = line.strip_prefix('9')?;
            (is_area(area) && is_mobile(before)).then(|| format!("{area}{before}"))
        },
        longer: |national| {
            let (area, line) = (national.get(..2)?, national.get(2..)?);
            (is_area(area) && is_mobile(line)).then(|| format!("{area}9{line}"))
        },
        longer_at_meta: false,
    },
    Plan {
        country: "52",
        shorter: |national| national.strip_prefix('1').filter(|n| is_ten(n, '2'..='9')).map(str::to_owned),
        longer: |national| is_ten(national, '2'..='9').then(|| format!("1{national}")),
        longer_at_meta: false,
    },
    Plan {
        country: "54",
        // Areas begin with 1 (Buenos Aires), 2 or 3.
        shorter: |national| national.strip_prefix('9').filter(|n| is_ten(n, '1'..='3')).map(str::to_owned),
        longer: |national| is_ten(national, '1'..='3').then(|| format!("9{national}")),
        longer_at_meta: true,
    },
];

/// Ten digits, of which the first is one that areas begin with.
fn is_ten(national: &str, first: std::ops::RangeInclusive<char>) -> bool {
    national.len() == 10 && national.starts_with(|c| first.contains(&c))
}

/// A Brazilian area code: two digits, none of them 0.
fn is_area(area: &str) -> bool {
    area.bytes().all(|b| b != b'0')
}

/// Eight digits as Brazilian mobile numbers had them before the ninth.
fn is_mobile(line: &str) -> bool {
    line.len() == 8 && line.starts_with(|c: char| ('6'..='9').contains(&c))
}

impl Phone {
    fn respelled(&self, how: impl FnOnce(&Plan, &str) -> Option<String>) -> Option<Self> {
        let plan = PLANS.iter().find(|plan| self.digits().starts_with(plan.country))?;
        let other = how(plan, self.digits().get(plan.country.len()..)?)?;
        Self::parse(&format!("+{}{other}", plan.country)).ok()
    }

    /// The other spelling of the same number, where it has two.
    #[must_use]
    pub fn other_spelling(&self) -> Option<Self> {
        self.respelled(|plan, national| (plan.shorter)(national).or_else(|| (plan.longer)(national)))
    }

    /// One spelling for both: what people are found by. It is the one that WhatsApp ids usually have, and never proof of it.
    #[must_use]
    pub fn key(&self) -> Self {
        let key =
            self.respelled(|plan, national| if plan.longer_at_meta { (plan.longer)(national) } else { (plan.shorter)(national) });
        key.unwrap_or_else(|| self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn phone(text: &str) -> Phone {
        Phone::parse(text).unwrap()
    }

    #[test]
    fn three_countries_spell_their_mobile_numbers_in_two_ways() {
        for (key, other) in [
            ("+551187654321", "+5511987654321"),
            ("+552199887766", "+5521999887766"),
            ("+525512345678", "+5215512345678"),
            ("+5491123456789", "+541123456789"),
            ("+5492215551234", "+542215551234"),
        ] {
            assert_eq!(phone(key).other_spelling(), Some(phone(other)));
            assert_eq!(phone(other).other_spelling(), Some(phone(key)));
            assert_eq!((phone(key).key(), phone(other).key()), (phone(key), phone(key)));
        }
        // A landline, an area that is none, too many digits, and everybody else.
        for only in ["+551134567890", "+551012345678", "+55119876543210", "+4915112345678", "+16045852331", "+50688887777"] {
            assert_eq!((phone(only).other_spelling(), phone(only).key()), (None, phone(only)), "{only}");
        }
    }

    proptest! {
        #[test]
        fn the_other_spelling_of_the_other_spelling_is_the_number_itself(digits in "(55|52|521|54|549|[1-9])[0-9]{6,12}") {
            let Ok(phone) = Phone::parse(&format!("+{digits}")) else { return Ok(()) };
            match phone.other_spelling() {
                Some(other) => {
                    prop_assert_ne!(&other, &phone);
                    prop_assert_eq!(other.other_spelling(), Some(phone.clone()));
                    prop_assert_eq!(other.key(), phone.key());
                    prop_assert!(phone.key() == phone || phone.key() == other);
                }
                None => prop_assert_eq!(phone.key(), phone),
            }
        }
    }
}
