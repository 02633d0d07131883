//! Addresses and the networks that they must lie in.

use super::*;
use crate::forge::{san, tlv};

/// A root with networks, and a leaf with an address below it.
fn addressed(networks: &[&[u8]], address: &[u8]) -> World {
    let subtree = |network: &&[u8]| tlv(0x30, &tlv(0x87, network));
    let subtrees: Vec<u8> = networks.iter().flat_map(subtree).collect();
    let constraints = tlv(0x30, &tlv(0xa0, &subtrees));
    let root = Forge::root("g1", "p256-a").extension(("2.5.29.30", true, constraints));
    let leaf = Forge::leaf("worker", "p256-c", &root).extension(san(&[(7, address)]));
    World {
        told: Vec::new(),
        bundle: vec![root.der()],
        presented: vec![leaf.der()],
    }
}

/// Go takes IPv4 in IPv6 for IPv4, which lies in no network of IPv6; and of several networks it looks at one, that whose base
/// comes before the address.
#[test]
fn addresses_lie_in_networks_as_for_go() {
    let mapped = [&[0; 10], &[255, 255, 10, 1, 2, 3][..]].concat();
    let worlds = [
        (addressed(&[&[0; 32]], &mapped), false),
        (addressed(&[&[0; 32]], &[0x20; 16]), true),
        (
            addressed(
                &[&[9, 0, 0, 0, 255, 0, 0, 0], &[10, 1, 2, 3, 255, 255, 0, 0]],
                &[10, 1, 1, 1],
            ),
            false,
        ),
        (
            addressed(
                &[&[9, 0, 0, 0, 255, 0, 0, 0], &[10, 1, 0, 0, 255, 255, 0, 0]],
                &[10, 1, 1, 1],
            ),
            true,
        ),
    ];
    let room = tempfile::tempdir().unwrap();
    let questions = worlds
        .iter()
        .map(|(world, _)| (world.bundle.as_slice(), world.presented.as_slice()));
    let gos = gos(&questions.collect::<Vec<_>>(), room.path());
    for (number, (world, accepted)) in worlds.iter().enumerate() {
        assert_eq!(
            ours(world).is_none(),
            *accepted,
            "{number}: {:?}",
            ours(world)
        );
        if let Some(gos) = &gos {
            assert_eq!(
                gos[number].is_none(),
                *accepted,
                "{number}: {:?}",
                gos[number]
            );
        }
    }
}
