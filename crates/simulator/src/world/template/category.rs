//! Templates that get another category (WA templates/template-categorization): announced a day ahead, or at once for those who do it
//! again and again; what is really authentication is rejected on the first of the next month; 60 days to appeal.

use serde_json::json;
use transom_domain::Timestamp;

use super::review::Rejection;
use super::{Appeal, Category, Template, rules};
use crate::world::{Now, Timer, World};

const DAY: i64 = 86_400;

impl Template {
    /// Whether it got another category lately enough to ask for a review of that.
    pub(super) fn may_appeal_category(&self, now: Now) -> bool {
        self.previous_category.is_some()
            && self.recategorised_at.is_some_and(|at| now.world < Timestamp::from_millis(at).plus(rules::CATEGORY_APPEAL))
    }
}

impl World {
    /// Announces a new category, or changes it without notice.
    pub(super) fn announce_category(&mut self, now: Now, id: u64, category: Category, at_once: bool) {
        let Some(template) = self.template(id).filter(|template| template.category != category) else { return };
        let at = match category {
            Category::Authentication => first_of_next_month(now.world),
            _ if at_once => now.world,
            _ => now.world.plus(rules::CATEGORY_ANNOUNCED),
        };
        let is_told = !at_once;
        let value = json!({
            // In the announcement `new_category` is the present one: WA webhooks/reference/template_category_update.
            "new_category": template.category.as_str(),
            "correct_category": category.as_str(),
            "category_update_timestamp": at.as_secs(),
        });
        self.change_template(id, |template| {
            template.correct_category = Some(category);
            template.recategorise_at = Some(at.as_millis());
        });
        if is_told {
            self.tell_category(now, id, value);
        }
        if at <= now.world {
            self.carry_out_recategorising(now, id);
        } else {
            self.timers.insert((at.as_millis(), Timer::Recategorise(id)));
        }
    }

    /// The day of the change has come.
    pub(crate) fn carry_out_recategorising(&mut self, now: Now, id: u64) {
        let Some(template) = self.template(id) else { return };
        let (Some(category), Some(at)) = (template.correct_category, template.recategorise_at) else { return };
        if at > now.world.as_millis() {
            return;
        }
        self.change_template(id, |template| {
            template.correct_category = None;
            template.recategorise_at = None;
        });
        if category == Category::Authentication {
            self.reject(now, id, &Rejection::of("INCORRECT_CATEGORY"));
        } else {
            self.set_category(now, id, category);
        }
    }

    fn set_category(&mut self, now: Now, id: u64, category: Category) {
        let Some(previous) = self.template(id).map(|template| template.category) else { return };
        self.change_template(id, |template| {
            template.previous_category = Some(previous);
            template.category = category;
            template.recategorised_at = Some(now.world.as_millis());
        });
        self.tell_category(now, id, json!({ "previous_category": previous.as_str(), "new_category": category.as_str() }));
    }

    /// The desk has looked at the category again.
    pub(super) fn decide_category_appeal(&mut self, now: Now, id: u64, is_granted: bool) {
        let Some(previous) = self.template(id).and_then(|template| template.previous_category) else { return };
        self.change_template(id, |template| {
            debug_assert_eq!(template.appeal, Some(Appeal::Category));
            template.appeal = None;
        });
        if is_granted {
            self.set_category(now, id, previous);
            self.change_template(id, |template| {
                template.previous_category = None;
                template.recategorised_at = None;
            });
        }
    }
}

/// Midnight, UTC, at the beginning of the month after.
fn first_of_next_month(now: Timestamp) -> Timestamp {
    let today = now.as_secs().div_euclid(DAY);
    let (year, month) = year_and_month(today);
    // No month has more than 31 days, so the next one begins within 32.
    let next = (1..=32).map(|days| today + days).find(|day| year_and_month(*day) != (year, month));
    Timestamp::from_secs(next.unwrap_or(today) * DAY)
}

/// Year and month of a day since 1970, by the rule of the Gregorian calendar counted from March.
const fn year_and_month(day: i64) -> (i64, i64) {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let year = year_of_era + era * 400;
    if month < 10 { (year, month + 3) } else { (year + 1, month - 9) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_next_month_is_found() {
        for (now, first) in [
            (0, 31 * DAY),
            // 22 November 2026, 13:30, and 1 December.
            (1_795_354_200, 1_796_083_200),
            // 29 February 2024 and 1 March.
            (1_709_164_800, 1_709_251_200),
            // 31 December 2026, the last second, and the new year.
            (1_798_761_599, 1_798_761_600),
        ] {
            assert_eq!(first_of_next_month(Timestamp::from_secs(now)).as_secs(), first, "{now}");
        }
    }
}
