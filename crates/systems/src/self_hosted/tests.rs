//! Tests of slot files on a real file system.

use newleaf_identity::generate::{self, KeyKind};
use newleaf_x509::issue::{self, CaTemplate, Subject, Validity};

use super::*;

struct Rack {
    directory: tempfile::TempDir,
    options: SlotOptions,
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn ca(name: &str) -> Certificate {
    let template = CaTemplate {
        subject: Subject::new(name, None, None).unwrap(),
        serial: generate::serial().unwrap(),
        validity: Validity {
            not_before: at("2020-01-01T00:00:00Z"),
            not_after: at("2090-01-01T00:00:00Z"),
        },
    };
    issue::ca(&template, &generate::key(KeyKind::EcdsaP256).unwrap()).unwrap()
}

/// Slots that hold these CAs; `None` is a file that does not exist.
fn rack(held: &[Option<&Certificate>]) -> Rack {
    let directory = tempfile::tempdir().unwrap();
    let slots: Vec<PathBuf> = (0..held.len())
        .map(|i| directory.path().join(format!("ca-{i}.pem")))
        .collect();
    for (path, ca) in slots.iter().zip(held) {
        if let Some(ca) = ca {
            fs_err::write(path, ca.to_pem()).unwrap();
        }
    }
    Rack {
        directory,
        options: SlotOptions {
            slots,
            refresh_interval: SignedDuration::from_mins(1),
        },
    }
}

impl Rack {
    fn read(&self, now: &str) -> Slots {
        Slots::read(&self.options, at(now)).unwrap()
    }

    /// Makes the slots hold `wanted`, and returns the first certificates after each single write.
    fn change(&self, wanted: &[&Certificate]) -> Vec<Vec<Option<Certificate>>> {
        let wanted = TrustBundle::new(wanted.iter().copied().cloned());
        let writes = self.read("2030-01-01T00:00:00Z").writes(&wanted).unwrap();
        let after_each = writes.chunks(1).map(|one| {
            write(one).unwrap();
            self.read("2030-01-01T00:00:00Z")
                .held
                .into_iter()
                .map(|(_, held)| held)
                .collect()
        });
        after_each.collect()
    }
}

fn held(cas: &[&Certificate]) -> Vec<Option<Certificate>> {
    cas.iter().map(|ca| Some((*ca).clone())).collect()
}

#[test]
fn each_step_of_a_rollover_changes_the_first_certificate_of_a_file() {
    let (old, new) = (ca("g1"), ca("g2"));
    let rack = rack(&[Some(&old), Some(&old)]);
    assert_eq!(rack.change(&[&old, &new]), [held(&[&old, &new])]);
    assert_eq!(rack.change(&[&new]), [held(&[&new, &new])]);
}

#[test]
fn what_stays_accepted_is_never_missing_in_between() {
    let (old, new, other) = (ca("g1"), ca("g2"), ca("other"));
    let rack = rack(&[Some(&old), Some(&other), None]);
    for between in rack.change(&[&other, &new]) {
        assert!(between.contains(&Some(other.clone())), "{between:?}");
    }
    let bundle = rack.read("2030-01-01T00:00:00Z").bundle();
    assert_eq!(bundle, TrustBundle::new([other, new]));
}

#[test]
fn the_same_change_twice_writes_once() {
    let (old, new) = (ca("g1"), ca("g2"));
    let rack = rack(&[Some(&old), None]);
    assert_eq!(rack.change(&[&old, &new]).len(), 1);
    assert!(rack.change(&[&old, &new]).is_empty());
}

#[test]
fn more_cas_than_slots_are_refused_and_nothing_is_written() {
    let (old, new) = (ca("g1"), ca("g2"));
    let rack = rack(&[Some(&old)]);
    let error = rack
        .read("2030-01-01T00:00:00Z")
        .writes(&TrustBundle::new([old.clone(), new]))
        .unwrap_err();
    assert!(
        matches!(error, SlotError::TooFewSlots { cas: 2, slots: 1 }),
        "{error}"
    );
    assert_eq!(
        rack.read("2030-01-01T00:00:00Z").bundle(),
        TrustBundle::new([old])
    );
}

#[test]
fn a_slot_with_two_cas_is_refused() {
    let rack = rack(&[None]);
    fs_err::write(
        &rack.options.slots[0],
        ca("g1").to_pem() + &ca("g2").to_pem(),
    )
    .unwrap();
    let error = Slots::read(&rack.options, at("2030-01-01T00:00:00Z")).unwrap_err();
    assert!(
        matches!(error, SlotError::NotOneCa { found: 2, .. }),
        "{error}"
    );
}

#[test]
fn a_slot_with_a_private_key_is_refused_and_the_key_is_not_quoted() {
    let rack = rack(&[None]);
    let key = generate::key(KeyKind::EcdsaP256).unwrap().to_pem();
    fs_err::write(&rack.options.slots[0], ca("g1").to_pem() + &key).unwrap();
    let error = Slots::read(&rack.options, at("2030-01-01T00:00:00Z")).unwrap_err();
    let SlotError::Unreadable { source, .. } = &error else {
        panic!("{error}")
    };
    assert!(source.found_private_key());
    let said = format!("{} {error:?}", crate::trouble::chain(&error));
    assert!(
        key.lines()
            .all(|line| line.starts_with("-----") || !said.contains(line)),
        "{said}"
    );
}

#[test]
fn a_change_is_underway_until_the_server_has_had_time_to_see_it() {
    let old = ca("g1");
    let rack = rack(&[Some(&old)]);
    let modified = fs_err::metadata(&rack.options.slots[0])
        .unwrap()
        .modified()
        .unwrap();
    let modified = Timestamp::try_from(modified).unwrap();
    let change = |after: i64| {
        let now = modified
            .checked_add(SignedDuration::from_secs(after))
            .unwrap();
        Slots::read(&rack.options, now).unwrap().change
    };
    assert_eq!(
        change(0),
        ChangeSight::Underway(SignedDuration::from_secs(60))
    );
    assert_eq!(
        change(59),
        ChangeSight::Underway(SignedDuration::from_secs(1))
    );
    assert_eq!(change(60), ChangeSight::Settled);
    // A clock that was set back must not make us wait for years.
    assert_eq!(
        change(-100_000),
        ChangeSight::Underway(SignedDuration::from_secs(60))
    );
}

#[test]
fn nothing_is_left_beside_the_slots() {
    let (old, new) = (ca("g1"), ca("g2"));
    let rack = rack(&[Some(&old), Some(&old)]);
    rack.change(&[&old, &new]);
    assert_eq!(fs_err::read_dir(rack.directory.path()).unwrap().count(), 2);
}
