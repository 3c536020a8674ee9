//! Mutations: the house made wrong at one of its seams, to see that a trial can fail.

/// What is made wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// The store answers before what it answered is safe.
    AnswersBeforeSync,
    /// A lost answer counts as a call that never left: the message is claimed again at once.
    ClaimsUnknownAgain,
    /// An endpoint counts as told whatever became of the call: the cursor moves before anybody was told.
    CursorBeforeTelling,
    /// A webhook is answered 200 before it is stored.
    AcknowledgesBeforeHearing,
    /// A start has the number of the start before: what that one left without an outcome is taken for its own.
    OwnerIsOld,
    /// The gateway's clock is behind by two minutes: sessions look open that are over.
    ClockIsBehind,
    /// What Meta tells of templates is answered 200 and forgotten: one that is paused is sent.
    ForgetsTemplates,
    /// What Meta tells of preferences is answered 200 and forgotten: who has stopped marketing gets more of it.
    ForgetsPreferences,
    /// Nobody looks at sessions as time goes by: one that has closed is never told to.
    NobodyLooks,
    /// A caller whose answer was lost comes back without its idempotency key.
    RetriesWithoutKey,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::AnswersBeforeSync,
        Self::ClaimsUnknownAgain,
        Self::CursorBeforeTelling,
        Self::AcknowledgesBeforeHearing,
        Self::OwnerIsOld,
        Self::ClockIsBehind,
        Self::ForgetsTemplates,
        Self::ForgetsPreferences,
        Self::NobodyLooks,
        Self::RetriesWithoutKey,
    ];
}
