//! The live picture: one frame as text. Plain ANSI colours; nothing in it needs them to be understood.

use std::{sync::Arc, time::Duration};

use anstyle::{AnsiColor, Style};
use newleaf_controller::{
    Snapshot,
    snapshot::{Approval, Gate, Mark},
};

use crate::demo::watch::phase_mark;

/// What one frame shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    /// Since the start.
    pub(crate) elapsed: Duration,
    /// What runs behind the endpoint.
    pub(crate) backing: String,
    /// The rotation of the moment, as its journal says; none before the first.
    pub(crate) rotation: Option<Arc<Snapshot>>,
    /// The callers.
    pub(crate) rows: Vec<Row>,
    /// How often the controller was killed and resumed.
    pub(crate) crashes_survived: u32,
    /// What happened last, oldest first.
    pub(crate) events: Vec<String>,
}

/// One caller.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Its name.
    pub(crate) name: String,
    /// How a new leaf reaches it.
    pub(crate) delivery: &'static str,
    /// Which CAs its live connections present, as the server sees them.
    pub(crate) presents: String,
    /// Calls so far.
    pub(crate) calls: u64,
    /// Calls in the last second.
    pub(crate) per_second: u64,
    /// Failed calls so far.
    pub(crate) failed: u64,
    /// The longest gap so far.
    pub(crate) longest_gap: Duration,
}

/// With colours, or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// ANSI colours.
    Colour,
    /// None.
    Plain,
}

/// How many reached steps are shown before the current one.
const SHOWN_BEFORE: usize = 3;

/// How many steps are shown in all.
const SHOWN_STEPS: usize = 5;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const NOW: Style = AnsiColor::Cyan.on_default().bold();
const QUIET: Style = Style::new().dimmed();
const STRONG: Style = Style::new().bold();

/// Draws a frame, line by line.
pub(crate) fn draw(frame: &Frame, paint: Paint) -> Vec<String> {
    let brush = Brush(paint);
    let mut lines = vec![brush.line(&[
        (STRONG, "newleaf demo"),
        (Style::new(), "  a CA rollover under live traffic"),
        (
            QUIET,
            &format!("  {:.1} s  {}", frame.elapsed.as_secs_f32(), frame.backing),
        ),
    ])];
    lines.push(String::new());
    if let Some(rotation) = &frame.rotation {
        let title = format!("{} of `{}`", rotation.kind, rotation.domain);
        lines.push(brush.line(&[
            (STRONG, &title),
            (QUIET, &format!("  {}", rotation.rotation)),
        ]));
        lines.push(brush.phases(rotation));
        lines.extend(shown(&rotation.gates).map(|gate| brush.gate(gate)));
        lines.push(String::new());
    }
    lines.push(brush.line(&[(
        QUIET,
        &format!(
            "{:<10} {:<28} {:<8} {:>7} {:>6} {:>7} {:>12}",
            "client", "takes a new leaf by", "presents", "calls", "per s", "failed", "longest gap"
        ),
    )]));
    lines.extend(frame.rows.iter().map(|row| brush.row(row)));
    lines.push(brush.total(frame));
    lines.push(String::new());
    lines.extend(
        frame
            .events
            .iter()
            .map(|event| brush.line(&[(QUIET, event)])),
    );
    lines
}

#[derive(Clone, Copy)]
struct Brush(Paint);

impl Brush {
    fn line(self, pieces: &[(Style, &str)]) -> String {
        let paint = |(style, text): &(Style, &str)| match self.0 {
            Paint::Plain => (*text).to_owned(),
            Paint::Colour => format!("{style}{text}{style:#}"),
        };
        pieces.iter().map(paint).collect()
    }

    fn phases(self, rotation: &Snapshot) -> String {
        let named: Vec<(Style, String)> = rotation
            .phases
            .iter()
            .filter_map(|phase| {
                let (style, sign) = look(phase_mark(rotation, *phase)?);
                Some((style, format!("  {sign} {phase}")))
            })
            .collect();
        let pieces: Vec<(Style, &str)> = named
            .iter()
            .map(|(style, text)| (*style, text.as_str()))
            .collect();
        self.line(&pieces)
    }

    fn gate(self, gate: &Gate) -> String {
        let (style, sign) = look(gate.mark);
        let evidence = gate.evidence.iter().map(|seen| format!("  {seen}"));
        let approval = match gate.approval {
            Approval::NotNeeded => "",
            Approval::Needed => "  a person must approve",
            Approval::Given => "  a person approved",
        };
        self.line(&[
            (style, &format!("    {sign} {}", gate.goal)),
            (QUIET, &evidence.collect::<String>()),
            (NOW, approval),
        ])
    }

    fn row(self, row: &Row) -> String {
        self.line(&[
            (
                Style::new(),
                &format!("{:<10} {:<28} ", row.name, row.delivery),
            ),
            (NOW, &format!("{:<8} ", row.presents)),
            (
                Style::new(),
                &format!("{:>7} {:>6} ", row.calls, row.per_second),
            ),
            (fault(row.failed), &format!("{:>7} ", row.failed)),
            (
                Style::new(),
                &format!("{:>9} ms", row.longest_gap.as_millis()),
            ),
        ])
    }

    fn total(self, frame: &Frame) -> String {
        let calls: u64 = frame.rows.iter().map(|row| row.calls).sum();
        let per_second: u64 = frame.rows.iter().map(|row| row.per_second).sum();
        let failed: u64 = frame.rows.iter().map(|row| row.failed).sum();
        let gap = frame
            .rows
            .iter()
            .map(|row| row.longest_gap)
            .max()
            .unwrap_or_default();
        self.line(&[
            (
                STRONG,
                &format!("{:<48} {calls:>7} {per_second:>6} ", "all"),
            ),
            (fault(failed), &format!("{failed:>7} ")),
            (STRONG, &format!("{:>9} ms", gap.as_millis())),
            (
                QUIET,
                &format!("   crashes survived: {}", frame.crashes_survived),
            ),
        ])
    }
}

/// Returns the steps around the current one.
fn shown(gates: &[Gate]) -> impl Iterator<Item = &Gate> {
    let reached = gates.iter().take_while(|gate| gate.mark == Mark::Reached);
    let first = reached.count().saturating_sub(SHOWN_BEFORE);
    gates.iter().skip(first).take(SHOWN_STEPS)
}

fn look(mark: Mark) -> (Style, char) {
    match mark {
        Mark::Reached => (GOOD, '✓'),
        Mark::Current => (NOW, '▶'),
        Mark::Ahead => (QUIET, '·'),
    }
}

fn fault(failed: u64) -> Style {
    if failed == 0 { GOOD } else { BAD }
}

#[cfg(test)]
mod tests;
