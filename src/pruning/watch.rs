use std::collections::BTreeSet;

use crate::oci::Tag;

/// Which tags should be listed in a repository, so that each new listing tells what happened in between.
///
/// The registry drops every tag of a digest that is deleted, also one that somebody pointed at it a moment before. A
/// tag that disappears between the listings before and after such a deletion, and that was not to go, was cut by it.
#[derive(Clone, Debug)]
pub struct Watch {
    expected: BTreeSet<Tag>,
}

impl Watch {
    /// Starts with the tags that were listed and read.
    pub fn new(listed: BTreeSet<Tag>) -> Self {
        Self { expected: listed }
    }

    /// Tags that are new since the last listing: what they need is to be read before anything else goes.
    pub fn newcomers(&self, listed: &BTreeSet<Tag>) -> Vec<Tag> {
        listed.difference(&self.expected).cloned().collect()
    }

    /// Tags that disappeared since the last listing without having been removed by us.
    pub fn cut(&self, listed: &BTreeSet<Tag>) -> Vec<Tag> {
        self.expected.difference(listed).cloned().collect()
    }

    /// From now on `listed` is what is expected.
    pub fn accept(&mut self, listed: BTreeSet<Tag>) {
        self.expected = listed;
    }

    /// A tag was removed on purpose.
    pub fn removed(&mut self, tag: &Tag) {
        self.expected.remove(tag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_tells_what_came_and_what_was_cut() {
        let tags = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<BTreeSet<Tag>>();
        let mut watch = Watch::new(tags(&["a", "b", "c"]));
        watch.removed(&"a".parse().unwrap());
        let listed = tags(&["c", "d"]);
        assert_eq!(watch.newcomers(&listed), ["d".parse().unwrap()]);
        assert_eq!(watch.cut(&listed), ["b".parse().unwrap()]);
        watch.accept(listed.clone());
        assert!(watch.newcomers(&listed).is_empty() && watch.cut(&listed).is_empty());
    }
}
