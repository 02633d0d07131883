//! The one seam between decisions and deeds.

use jiff::Timestamp;
use newleaf_rotation::{Deed, Look, Sight, Trouble};

/// The world outside, as a rotation meets it.
///
/// Both methods may be dropped halfway and called again: an engine that was killed does just that.
pub trait World: Send + Sync {
    /// Looks at what a goal speaks of. Looking changes nothing outside.
    fn observe(
        &self,
        look: &Look,
        now: Timestamp,
    ) -> impl Future<Output = Result<Sight, Trouble>> + Send;

    /// Does what brings a goal nearer, and returns what the reply said, for the audit. The same deed done
    /// twice has the effect of one.
    fn pursue(
        &self,
        deed: &Deed,
        now: Timestamp,
    ) -> impl Future<Output = Result<String, Trouble>> + Send;
}
