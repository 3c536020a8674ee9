//! What a text is made of: words, punctuation, emojis, scripts.

/// A family of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// a b c
    Latin,
    /// Russian and its neighbours.
    Cyrillic,
    /// Greek.
    Greek,
    /// Arabic, Persian, Urdu, Pashto.
    Arabic,
    /// Hebrew.
    Hebrew,
    /// Hindi, Marathi.
    Devanagari,
    /// Bengali.
    Bengali,
    /// Gujarati.
    Gujarati,
    /// Punjabi.
    Gurmukhi,
    /// Tamil.
    Tamil,
    /// Telugu.
    Telugu,
    /// Kannada.
    Kannada,
    /// Malayalam.
    Malayalam,
    /// Sinhala.
    Sinhala,
    /// Thai.
    Thai,
    /// Lao.
    Lao,
    /// Georgian.
    Georgian,
    /// Korean.
    Hangul,
    /// Chinese and Japanese, with the syllables of the latter.
    Han,
}

impl Script {
    /// The script of a letter; none for what is no letter, or of a script nobody asks for.
    pub(super) const fn of(c: char) -> Option<Self> {
        Some(match c as u32 {
            0x41..=0x5a | 0x61..=0x7a | 0xc0..=0x24f | 0x1e00..=0x1eff => Self::Latin,
            0x370..=0x3ff | 0x1f00..=0x1fff => Self::Greek,
            0x400..=0x52f => Self::Cyrillic,
            0x590..=0x5ff => Self::Hebrew,
            0x600..=0x6ff | 0x750..=0x77f | 0xfb50..=0xfdff | 0xfe70..=0xfefc => Self::Arabic,
            0x900..=0x97f => Self::Devanagari,
            0x980..=0x9ff => Self::Bengali,
            0xa00..=0xa7f => Self::Gurmukhi,
            0xa80..=0xaff => Self::Gujarati,
            0xb80..=0xbff => Self::Tamil,
            0xc00..=0xc7f => Self::Telugu,
            0xc80..=0xcff => Self::Kannada,
            0xd00..=0xd7f => Self::Malayalam,
            0xd80..=0xdff => Self::Sinhala,
            0xe00..=0xe7f => Self::Thai,
            0xe80..=0xeff => Self::Lao,
            0x10a0..=0x10ff | 0x1c90..=0x1cbf => Self::Georgian,
            0x1100..=0x11ff | 0x3130..=0x318f | 0xac00..=0xd7af => Self::Hangul,
            0x3040..=0x30ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x2ffff => Self::Han,
            _ => return None,
        })
    }

    /// Letters that make up about one word where words are written without blanks between them; none where blanks part them.
    const fn letters_of_a_word(self) -> Option<usize> {
        match self {
            // A word of Chinese has one or two.
            Self::Han => Some(2),
            Self::Thai | Self::Lao => Some(4),
            _ => None,
        }
    }
}

/// How many words a stretch of text has.
///
/// Words are what blanks part; in scripts that are written without blanks so many letters count as one.
pub(super) fn count(text: &str) -> usize {
    text.split_whitespace().map(count_unparted).sum()
}

fn count_unparted(stretch: &str) -> usize {
    let (mut parted, mut unparted, mut letters_per_word) = (false, 0usize, 1usize);
    for c in stretch.chars() {
        match Script::of(c).and_then(Script::letters_of_a_word) {
            Some(letters) => {
                unparted += 1;
                letters_per_word = letters;
            }
            None => parted |= c.is_alphanumeric(),
        }
    }
    usize::from(parted) + unparted.div_ceil(letters_per_word)
}

/// Whether a character only sets words apart: blanks and punctuation, but neither letters nor pictures.
pub(super) fn is_punctuation(c: char) -> bool {
    c.is_whitespace()
        || c.is_ascii_punctuation()
        || matches!(u32::from(c),
            0xa1 | 0xa7 | 0xab | 0xb6 | 0xb7 | 0xbb | 0xbf | 0x37e | 0x55a..=0x55f | 0x589 | 0x5be | 0x60c | 0x61b | 0x61f | 0x66a..=0x66d
            | 0x6d4 | 0x964 | 0x965 | 0x1362..=0x1368 | 0x2000..=0x206f | 0x3001..=0x303f | 0xfe0f | 0xff01..=0xff0f | 0xff1a..=0xff20
            | 0xff3b..=0xff40 | 0xff5b..=0xff65)
}

/// How many emojis a text has. A picture made of several (skin tones, families, flags) counts as one.
pub(super) fn emojis(text: &str) -> usize {
    let (mut count, mut joined, mut half_flag) = (0, false, false);
    for c in text.chars() {
        match u32::from(c) {
            // Half a flag: every second one completes it.
            0x1f1e6..=0x1f1ff => {
                count += usize::from(!half_flag);
                half_flag = !half_flag;
                joined = false;
                continue;
            }
            0x200d => joined = true,
            // Skin tones and the request for a picture belong to what stands before them.
            0x1f3fb..=0x1f3ff | 0xfe0f => {}
            0x1f000..=0x1faff
            | 0x2600..=0x27bf
            | 0x231a
            | 0x231b
            | 0x2328
            | 0x23cf
            | 0x23e9..=0x23fa
            | 0x25aa
            | 0x25ab
            | 0x25b6
            | 0x25c0
            | 0x25fb..=0x25fe
            | 0x2934
            | 0x2935
            | 0x2b05..=0x2b07
            | 0x2b1b
            | 0x2b1c
            | 0x2b50
            | 0x2b55
            | 0x3030
            | 0x303d
            | 0x3297
            | 0x3299 => {
                count += usize::from(!joined);
                joined = false;
            }
            _ => joined = false,
        }
        half_flag = false;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_in_scripts_without_blanks_too() {
        assert_eq!(count("Hi , your order is ready - really!"), 6);
        assert_eq!(count("，您的订单已经发货。"), 4);
        assert_eq!(count("สวัสดีครับ"), 3);
        assert_eq!(count("안녕하세요 주문이 왔어요"), 3);
        assert_eq!(count(" … — ! "), 0);
        assert_eq!(count("iPhoneの新しい箱"), 1 + 3);
    }

    #[test]
    fn emojis_are_counted_as_they_are_seen() {
        for (text, seen) in
            [("", 0), ("no © or ™ or 1", 0), ("🎉🎉", 2), ("👍🏽", 1), ("👩‍👩‍👧 out", 1), ("🇩🇪🇫🇷", 2), ("🇩🇪 and 🇫🇷", 2), ("❤️ ☕", 2)]
        {
            assert_eq!(emojis(text), seen, "{text}");
        }
    }

    #[test]
    fn pictures_and_letters_are_no_punctuation() {
        assert!(" ,.!?-*_…»。، ".chars().all(is_punctuation));
        assert!(!"a1é中🎉".chars().any(is_punctuation));
    }
}
