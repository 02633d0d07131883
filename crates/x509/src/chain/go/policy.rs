//! Certificate policies, as Go judges them on a path for which nobody asked for any: RFC 5280 §6.1 with the graph of RFC
//! 9618, as in `policiesValid` of Go 1.26.

use std::collections::{BTreeMap, BTreeSet};

/// `anyPolicy`, 2.5.29.32.0.
const ANY_POLICY: &[u8] = &[0x55, 0x1d, 32, 0];

/// What one certificate says of policies. Each is the content of an object identifier.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::chain) struct Policies<'a> {
    pub(super) stated: Vec<&'a [u8]>,
    /// Pairs: of the issuer's domain, of the subject's.
    pub(super) mappings: Vec<(&'a [u8], &'a [u8])>,
    /// After so many certificates more, a policy is required.
    pub(super) require_explicit: Option<u64>,
    /// After so many, mappings count no longer.
    pub(super) inhibit_mapping: Option<u64>,
    /// After so many, `anyPolicy` counts no longer.
    pub(super) inhibit_any: Option<u64>,
}

/// One certificate of a path.
pub(in crate::chain) struct Step<'s, 'a> {
    pub(in crate::chain) policies: &'s Policies<'a>,
    /// Whether it names itself as its issuer.
    pub(in crate::chain) is_self_issued: bool,
}

/// Returns whether the path, leaf first and without its anchor, has a policy where one is required.
pub(in crate::chain) fn is_valid(path: &[Step<'_, '_>]) -> bool {
    let mut left = Left::of(path.len());
    let mut graph = Some(Graph::new());
    for (n, step) in path.iter().enumerate().rev() {
        let (policies, is_leaf) = (step.policies, n == 0);
        if policies.stated.is_empty() {
            graph = None;
        }
        let Some(known) = &mut graph else {
            if left.explicit == 0 {
                return false;
            }
            left.pass(step, is_leaf);
            continue;
        };
        known.deepen();
        known.state(&policies.stated);
        let takes_any = left.any > 0 || (!is_leaf && step.is_self_issued);
        if takes_any && policies.stated.contains(&ANY_POLICY) {
            known.fill();
        }
        known.prune();
        if !is_leaf && !known.map(&policies.mappings, left.mapping > 0) {
            return false;
        }
        left.pass(step, is_leaf);
    }
    let leaf_requires = path
        .first()
        .is_some_and(|leaf| leaf.policies.require_explicit == Some(0));
    let is_required = left.explicit <= 1 || leaf_requires;
    !is_required || graph.is_some_and(|graph| graph.has_policy())
}

/// How many certificates are left until something is required, or counts no longer (RFC 5280 §6.1.2 d to f).
struct Left {
    explicit: u64,
    mapping: u64,
    any: u64,
}

impl Left {
    fn of(length: usize) -> Self {
        let beyond = u64::try_from(length).unwrap_or(u64::MAX).saturating_add(1);
        Self {
            explicit: beyond,
            mapping: beyond,
            any: beyond,
        }
    }

    /// Passes a certificate (RFC 5280 §6.1.4 h to j); a leaf has nothing below it.
    fn pass(&mut self, step: &Step<'_, '_>, is_leaf: bool) {
        if is_leaf {
            return;
        }
        let policies = step.policies;
        for (left, said) in [
            (&mut self.explicit, policies.require_explicit),
            (&mut self.mapping, policies.inhibit_mapping),
            (&mut self.any, policies.inhibit_any),
        ] {
            if !step.is_self_issued {
                *left = left.saturating_sub(1);
            }
            *left = said.map_or(*left, |said| said.min(*left));
        }
    }
}

/// A policy at some depth.
struct Node<'a> {
    policy: &'a [u8],
    expected: Vec<&'a [u8]>,
    parents: BTreeSet<usize>,
    children: BTreeSet<usize>,
}

/// The graph of RFC 9618: for each depth the policies that are valid there.
struct Graph<'a> {
    nodes: Vec<Node<'a>>,
    strata: Vec<BTreeMap<&'a [u8], usize>>,
}

impl<'a> Graph<'a> {
    fn new() -> Self {
        let mut graph = Self {
            nodes: Vec::new(),
            strata: vec![BTreeMap::new()],
        };
        graph.insert(ANY_POLICY, &[]);
        graph
    }

    fn deepest(&self) -> BTreeMap<&'a [u8], usize> {
        self.strata.last().cloned().unwrap_or_default()
    }

    /// Returns the stratum above the deepest.
    fn above(&self) -> BTreeMap<&'a [u8], usize> {
        self.strata.iter().nth_back(1).cloned().unwrap_or_default()
    }

    fn deepen(&mut self) {
        self.strata.push(BTreeMap::new());
    }

    fn insert(&mut self, policy: &'a [u8], parents: &[usize]) -> usize {
        let new = self.nodes.len();
        for parent in parents {
            if let Some(parent) = self.nodes.get_mut(*parent) {
                parent.children.insert(new);
            }
        }
        self.nodes.push(Node {
            policy,
            expected: vec![policy],
            parents: parents.iter().copied().collect(),
            children: BTreeSet::new(),
        });
        if let Some(deepest) = self.strata.last_mut() {
            deepest.insert(policy, new);
        }
        new
    }

    /// Returns who stands above the deepest stratum, by the policies that each expects below it.
    fn expecting(&self) -> BTreeMap<&'a [u8], Vec<usize>> {
        let mut expecting = BTreeMap::<_, Vec<_>>::new();
        for number in self.above().into_values() {
            let expected = self.nodes.get(number).map(|node| node.expected.as_slice());
            for policy in expected.unwrap_or_default() {
                expecting.entry(*policy).or_default().push(number);
            }
        }
        expecting
    }

    /// Takes the policies that a certificate states by name (§6.1.3 d 1).
    fn state(&mut self, stated: &[&'a [u8]]) {
        let expecting = self.expecting();
        let any = self.above().get(ANY_POLICY).copied();
        for policy in stated.iter().filter(|policy| **policy != ANY_POLICY) {
            let parents = expecting.get(policy).cloned();
            let parents = parents.or_else(|| any.map(|any| vec![any]));
            if let Some(parents) = parents {
                self.insert(policy, &parents);
            }
        }
    }

    /// Takes what is expected and was not stated by name (§6.1.3 d 2).
    fn fill(&mut self) {
        let stated = self.deepest();
        for (policy, parents) in self.expecting() {
            if !stated.contains_key(policy) {
                self.insert(policy, &parents);
            }
        }
    }

    /// Removes what leads nowhere (§6.1.3 d 3).
    fn prune(&mut self) {
        let depth = self.strata.len() - 1;
        let (nodes, strata) = (&mut self.nodes, &mut self.strata);
        for stratum in strata.iter_mut().take(depth).skip(1).rev() {
            stratum.retain(|_, number| {
                let dead = nodes.get(*number).filter(|node| node.children.is_empty());
                let parents = dead.map(|node| node.parents.clone());
                for parent in parents.iter().flatten() {
                    if let Some(parent) = nodes.get_mut(*parent) {
                        parent.children.remove(number);
                    }
                }
                parents.is_none()
            });
        }
    }

    /// Follows mappings, or cuts off what would be mapped (§6.1.4 b); returns whether they may stand.
    fn map(&mut self, mappings: &[(&'a [u8], &'a [u8])], follow: bool) -> bool {
        if !follow {
            for (from, _) in mappings {
                self.cut(from);
            }
            self.prune();
            return true;
        }
        let mut to = BTreeMap::<_, Vec<_>>::new();
        for (from, into) in mappings {
            if [*from, *into].contains(&ANY_POLICY) {
                return false;
            }
            to.entry(*from).or_default().push(*into);
        }
        if !mappings.is_empty() {
            self.prune();
        }
        for (from, into) in to {
            let deepest = self.deepest();
            let any = deepest.get(ANY_POLICY).copied();
            let node = deepest.get(from).copied();
            let node = node.or_else(|| any.map(|any| self.insert(from, &[any])));
            if let Some(node) = node.and_then(|node| self.nodes.get_mut(node)) {
                node.expected = into;
            }
        }
        true
    }

    fn cut(&mut self, policy: &[u8]) {
        let cut = self.strata.last_mut().and_then(|last| last.remove(policy));
        let parents =
            cut.and_then(|cut| self.nodes.get(cut).map(|node| (cut, node.parents.clone())));
        for (cut, parent) in parents
            .iter()
            .flat_map(|(cut, all)| all.iter().map(move |one| (cut, one)))
        {
            if let Some(parent) = self.nodes.get_mut(*parent) {
                parent.children.remove(cut);
            }
        }
    }

    /// Returns whether a policy is valid at the end of the path (§6.1.5 g).
    fn has_policy(&self) -> bool {
        let is_any = |number: &usize| {
            let node = self.nodes.get(*number);
            node.is_some_and(|node| node.policy == ANY_POLICY)
        };
        let is_valid = |number: &usize| {
            let node = self.nodes.get(*number);
            node.is_some_and(|node| {
                node.policy != ANY_POLICY
                    && node.parents.len() == 1
                    && node.parents.iter().all(is_any)
            })
        };
        let deepest = self.strata.last();
        deepest.is_some_and(|last| last.contains_key(ANY_POLICY))
            || self.strata.iter().flat_map(BTreeMap::values).any(is_valid)
    }
}
