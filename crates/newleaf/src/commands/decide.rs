//! `newleaf approve`, `pause`, `rollback`, `override` and `attest`: a person's word on a rotation.
//!
//! They are one story: the word is judged by the process that drives, or by this one where none does, and is kept in
//! the journal with who said it and why.

use newleaf_controller::{Clock, decide};
use newleaf_rotation::{HolderId, RotationId, StepId, Verb};

use crate::{
    console::GOOD,
    failure::{Exit, Failure},
    rotation,
    session::Session,
};

/// Approve a step that waits for it, or say that a step that a person does is done
///
/// Refused, with the evidence, where the rotation does not ask for it.
#[derive(Debug, clap::Args)]
pub(crate) struct ApproveArgs {
    /// The rotation
    rotation: String,
    /// The step, as `newleaf status` names it
    step: String,
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Stop a rotation before its next deed, until `newleaf resume`
#[derive(Debug, clap::Args)]
pub(crate) struct PauseArgs {
    /// The rotation
    rotation: String,
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Turn a rotation round: everybody goes back to the old identity, without an outage
///
/// Possible until the old key is destroyed. `newleaf resume` then drives the way back, where nobody drives yet.
#[derive(Debug, clap::Args)]
pub(crate) struct RollbackArgs {
    /// The rotation
    rotation: String,
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Take a proof of disuse as given, or what is seen of traffic as the new normal; nothing else can be overridden
///
/// At a proof of disuse (soaking/disuse), whoever still presents the old CA is locked out when it is distrusted. At a traffic
/// gate where the rotation stands (such as issuing/steady-1), what was last seen becomes the baseline of this and all later
/// gates, and a source that told nothing is not asked any more.
#[derive(Debug, clap::Args)]
pub(crate) struct OverrideArgs {
    /// The rotation
    rotation: String,
    /// The step whose gate is overridden, such as soaking/disuse or issuing/steady-1
    step: String,
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Vouch that a holder presents its newest leaf, where no other source can tell
#[derive(Debug, clap::Args)]
pub(crate) struct AttestArgs {
    /// The rotation
    rotation: String,
    /// The holder, as newleaf.yaml names it
    holder: String,
    /// Why it is believed; kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Runs `newleaf approve`.
pub(crate) fn approve(args: &ApproveArgs, session: &Session) -> Result<Exit, Failure> {
    let step = StepId::new(args.step.as_str());
    let said = format!("approved {step}");
    let verb = Verb::Approve { step };
    say(session, &args.rotation, verb, args.reason.as_deref(), &said)
}

/// Runs `newleaf pause`.
pub(crate) fn pause(args: &PauseArgs, session: &Session) -> Result<Exit, Failure> {
    let reason = args.reason.as_deref().unwrap_or("newleaf pause");
    say(session, &args.rotation, Verb::Pause, Some(reason), "paused")
}

/// Runs `newleaf rollback`.
pub(crate) fn rollback(args: &RollbackArgs, session: &Session) -> Result<Exit, Failure> {
    let reason = Some(args.reason.as_str());
    say(
        session,
        &args.rotation,
        Verb::RollBack,
        reason,
        "turned round",
    )
}

/// Runs `newleaf override`.
pub(crate) fn overrule(args: &OverrideArgs, session: &Session) -> Result<Exit, Failure> {
    let step = StepId::new(args.step.as_str());
    let said = format!("overrode {step}");
    let reason = Some(args.reason.as_str());
    say(
        session,
        &args.rotation,
        Verb::Override { step },
        reason,
        &said,
    )
}

/// Runs `newleaf attest`.
pub(crate) fn attest(args: &AttestArgs, session: &Session) -> Result<Exit, Failure> {
    let holder = HolderId::new(args.holder.as_str());
    let said = format!("attested `{holder}`");
    let reason = Some(args.reason.as_str());
    say(
        session,
        &args.rotation,
        Verb::Attest { holder },
        reason,
        &said,
    )
}

fn say(
    session: &Session,
    rotation: &str,
    verb: Verb,
    reason: Option<&str>,
    said: &str,
) -> Result<Exit, Failure> {
    let config = session.config()?;
    drop(rotation::journal_read_only(&config)?);
    let journal = rotation::journal(&config)?;
    let id = RotationId::new(rotation);
    let decision = rotation::decision(verb, reason);
    let clock = Clock::system();
    let deciding = async { Ok(decide(&journal, &id, &decision, &clock).await?) };
    let rev = super::block_on(deciding)?;
    let console = session.console();
    console.note(format_args!(
        "{}: {said}, event {rev} of {id}",
        console.paint_err(GOOD, "recorded")
    ));
    let record = journal.record(&id)?;
    if journal.driver(&record.plan.domain).is_none() && record.ended_at.is_none() {
        console.note(format_args!("run `newleaf resume {id}` to go on"));
    }
    Ok(Exit::Done)
}
