//! Verdicts per second, in process, on one thread: every cell of the table of what may go when.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Result;

use transom_domain::address::Channel;
use transom_domain::content::ContentType;
use transom_domain::message::WhenClosed;
use transom_domain::rules::ButtonCase;
use transom_domain::session::{Closed, Session};
use transom_domain::template::Template;
use transom_domain::time::Timestamp;
use transom_domain::verdict::{Candidate, CustomerFacts, Question, Subject, verdict};

use super::measure::thread_cpu;
use crate::bulk;

/// What was counted.
pub(super) struct Counted {
    /// Verdicts.
    pub(super) verdicts: u64,
    /// Of them, how many let the message go.
    pub(super) went: u64,
    /// By the clock.
    pub(super) time: Duration,
    /// On the processor.
    pub(super) cpu: Duration,
}

/// Asks for a time, every question in turn.
pub(super) fn count(time: Duration) -> Result<Counted> {
    let template = transom_meta::templates::parse(&bulk::template())?;
    let approved: [&Template; 1] = [&template];
    let sessions = [
        Session::Open { until: Timestamp::FAR },
        Session::Closed(Closed::NeverHeard),
        Session::Closed(Closed::Over { since: Timestamp::EPOCH }),
    ];
    let mut candidates = Vec::new();
    for kind in ContentType::ALL {
        for templates in [&[][..], &approved[..]] {
            candidates.push([Candidate { kind, buttons: ButtonCase::None, over_session_limits: None, templates }]);
        }
    }
    let mut questions = Vec::new();
    for candidates in &candidates {
        for session in sessions {
            for channel in Channel::ALL {
                questions.push(Question {
                    channel,
                    subject: Subject::Content { candidates, when_closed: WhenClosed::Template },
                    session,
                    customer: CustomerFacts::default(),
                    stopped: None,
                    human: transom_domain::messenger::Human::default(),
                });
            }
        }
    }
    let (begun, cpu) = (Instant::now(), thread_cpu()?);
    let mut counted = Counted { verdicts: 0, went: 0, time: Duration::ZERO, cpu: Duration::ZERO };
    while begun.elapsed() < time {
        for question in &questions {
            counted.went += u64::from(verdict(black_box(question)).kind.goes());
        }
        counted.verdicts += questions.len() as u64;
    }
    (counted.time, counted.cpu) = (begun.elapsed(), thread_cpu()?.saturating_sub(cpu));
    Ok(counted)
}
