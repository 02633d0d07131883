//! The census as lines: who presents what, and where that was seen.

use newleaf_rotation::sight::{Census, Presence, Sighting};

use super::{Seen, words::source_in_words};

pub(super) fn seen(census: &Census) -> Vec<Seen> {
    let holders = census.holders.iter().map(|(holder, presence)| {
        let holder = holder.to_string();
        let (presents, text) = match presence {
            Presence::Unknown(why) => (Vec::new(), format!("{holder}: {why}")),
            Presence::Seen(sightings) => {
                let what: Vec<String> = sightings
                    .iter()
                    .map(|s| format!("{} ({})", generation(s), source_in_words(s.source)))
                    .collect();
                let presents = sightings.iter().map(generation).collect();
                (presents, format!("{holder} presents {}", what.join(", ")))
            }
        };
        Seen {
            holder: Some(holder),
            presents,
            text,
        }
    });
    let strangers = census.unregistered.iter().map(|s| Seen {
        holder: None,
        presents: vec![generation(s)],
        text: format!(
            "somebody unregistered presents {} ({})",
            s.what(),
            source_in_words(s.source)
        ),
    });
    holders.chain(strangers).collect()
}

fn generation(sighting: &Sighting) -> String {
    sighting
        .generation
        .map_or_else(|| "an unknown leaf".to_owned(), |g| g.to_string())
}
