use std::collections::BTreeMap;
use std::fmt;

/// Images that workloads name, as they name them, and who does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsedImages(BTreeMap<String, Users>);

/// Who uses something: one of them by name, the others by their number, so that it takes as little space for a thousand
/// as for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Users {
    first: String,
    count: usize,
}

impl UsedImages {
    /// One more `user`, such as `Pod shop/web-1`, of `image`. Whoever names it in several places is added once.
    pub fn add(&mut self, image: &str, user: &str) {
        let one = Users { first: user.to_owned(), count: 1 };
        self.insert(image, &one);
    }

    /// Adds all of `other`, whose users are others.
    pub fn absorb(&mut self, other: &Self) {
        other.iter().for_each(|(image, users)| self.insert(image, users));
    }

    /// Adds what only `other` names, which was seen at another time.
    pub fn complete(&mut self, other: &Self) {
        for (image, users) in &other.0 {
            self.0.entry(image.clone()).or_insert_with(|| users.clone());
        }
    }

    /// How many different texts name images.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each text with its users, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Users)> {
        self.0.iter().map(|(image, users)| (image.as_str(), users))
    }

    fn insert(&mut self, image: &str, users: &Users) {
        match self.0.get_mut(image) {
            Some(known) => known.absorb(users),
            None => drop(self.0.insert(image.to_owned(), users.clone())),
        }
    }
}

impl Users {
    /// Takes in `others`. The least name stays, so that the order does not show.
    pub(super) fn absorb(&mut self, others: &Self) {
        if others.first < self.first {
            self.first.clone_from(&others.first);
        }
        self.count += others.count;
    }
}

impl fmt::Display for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first)?;
        if self.count > 1 { write!(f, " and {} more", self.count - 1) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_told_by_the_least_name_and_a_number() {
        let mut images = UsedImages::default();
        images.add("app:v1", "Pod shop/web-2");
        assert_eq!(images.0["app:v1"].to_string(), "Pod shop/web-2");
        let mut others = UsedImages::default();
        for user in ["Pod shop/web-3", "Pod shop/web-1"] {
            others.add("app:v1", user);
        }
        others.add("app:v2", "Job shop/migrate");
        images.absorb(&others);
        assert_eq!((images.len(), images.0["app:v1"].to_string().as_str()), (2, "Pod shop/web-1 and 2 more"));
        let mut later = UsedImages::default();
        later.add("app:v1", "Pod shop/web-9");
        later.complete(&images);
        let all: Vec<(&str, String)> = later.iter().map(|(image, users)| (image, users.to_string())).collect();
        assert_eq!(all, [("app:v1", "Pod shop/web-9".into()), ("app:v2", "Job shop/migrate".into())]);
    }
}
