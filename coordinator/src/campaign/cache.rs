//! Documents are read once: rules are needed for every event, and change a few times a year.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::rules::{BadRules, Rules};

/// Rules by the hash of their document, so that what is here is never out of date.
#[derive(Debug, Default)]
pub struct RulesCache(Mutex<HashMap<String, Arc<Rules>>>);

impl RulesCache {
    pub fn get(&self, hash: &str) -> Option<Arc<Rules>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(hash).cloned()
    }

    /// Reads the document of that hash and keeps what it says.
    pub fn read(&self, hash: &str, document: &str) -> Result<Arc<Rules>, BadRules> {
        let rules = Arc::new(Rules::read(document)?);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(hash.to_owned(), Arc::clone(&rules));
        Ok(rules)
    }
}
