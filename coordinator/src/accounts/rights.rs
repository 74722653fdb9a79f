//! Who may do what. Pure.
//!
//! | right | whose role | with a token of the scope |
//! |---|---|---|
//! | [`Right::Account`] | anybody's | any |
//! | [`Right::SignIn`] | anybody's | none: a script must not change how its owner signs in |
//! | [`Right::Jobs`] | a creator's | `jobs` |
//! | [`Right::Workers`] | a worker owner's | `workers` |
//! | [`Right::Community`] | a community member's | none: scripts are against the rules |
//! | [`Right::Operate`] | an operator's | `operator` |
//!
//! Operators have every role without choosing it, and a token of the scope `operator` has every scope. What
//! needs a session needs one of them too. Which route needs which right: [`crate::http::needs`].

use pictor_protocol::people::{Role, Scope};

/// What somebody may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// See oneself, choose roles, mint tokens of the rights that one has.
    Account,
    /// See and change how one signs in: sessions, tokens, identities.
    SignIn,
    /// Scenes and jobs of one's own.
    Jobs,
    /// Workers of one's own.
    Workers,
    /// Check-ins, quests, referrals.
    Community,
    /// What concerns everybody.
    Operate,
}

impl Right {
    pub const ALL: [Self; 6] = [
        Self::Account,
        Self::SignIn,
        Self::Jobs,
        Self::Workers,
        Self::Community,
        Self::Operate,
    ];

    /// What a token of this scope is for.
    pub const fn of_scope(scope: Scope) -> Self {
        match scope {
            Scope::Jobs => Self::Jobs,
            Scope::Workers => Self::Workers,
            Scope::Operator => Self::Operate,
        }
    }

    /// The role that gives it.
    pub const fn role(self) -> Option<Role> {
        match self {
            Self::Jobs => Some(Role::Creator),
            Self::Workers => Some(Role::WorkerOwner),
            Self::Community => Some(Role::CommunityMember),
            Self::Account | Self::SignIn | Self::Operate => None,
        }
    }

    const fn tokens(self) -> Tokens {
        match self {
            Self::Account => Tokens::Any,
            Self::Jobs => Tokens::With(Scope::Jobs),
            Self::Workers => Tokens::With(Scope::Workers),
            Self::Operate => Tokens::With(Scope::Operator),
            Self::SignIn | Self::Community => Tokens::None,
        }
    }

    /// In words, for the documents of the API.
    pub fn describe(self) -> String {
        let who = match self {
            Self::Account | Self::SignIn => "Anybody who is signed in".to_owned(),
            Self::Operate => "Operators".to_owned(),
            Self::Jobs | Self::Workers | Self::Community => match self.role() {
                Some(role) => format!("People of the role `{role}`"),
                None => "People".to_owned(),
            },
        };
        match self.tokens() {
            Tokens::Any => format!("{who}, in a browser or with any access token."),
            Tokens::With(scope) => {
                format!("{who}, in a browser or with an access token of the scope `{scope}`.")
            }
            Tokens::None => format!("{who}, in a browser; not with an access token."),
        }
    }
}

/// Which access tokens carry a right.
enum Tokens {
    Any,
    With(Scope),
    None,
}

/// What somebody came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A browser that is signed in.
    Session,
    /// An access token of these scopes.
    Token(Vec<Scope>),
}

/// Somebody who asks, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub operator: bool,
    pub roles: Vec<Role>,
    pub credential: Credential,
}

/// Why somebody may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("this is for people of the role {0}: choose it first, at /api/v1/me/roles")]
    NeedsRole(Role),
    #[error("the token does not have the scope {0}")]
    NeedsScope(Scope),
    #[error("this can be done only in a browser that is signed in, not with a token")]
    NeedsSession,
    #[error("this is for operators")]
    NotAnOperator,
}

impl Holder {
    /// Whether this person has a right with what they came with.
    pub fn check(&self, right: Right) -> Result<(), Denied> {
        match (&self.credential, right.tokens()) {
            (Credential::Token(_), Tokens::None) => return Err(Denied::NeedsSession),
            (Credential::Token(scopes), Tokens::With(scope))
                if !scopes.contains(&scope) && !scopes.contains(&Scope::Operator) =>
            {
                return Err(Denied::NeedsScope(scope));
            }
            (Credential::Session | Credential::Token(_), _) => {}
        }
        if self.operator {
            return Ok(());
        }
        if right == Right::Operate {
            return Err(Denied::NotAnOperator);
        }
        match right.role() {
            Some(role) if !self.roles.contains(&role) => Err(Denied::NeedsRole(role)),
            Some(_) | None => Ok(()),
        }
    }

    /// The scopes of the token; of a session those of a token that could be minted in it.
    pub fn scopes(&self) -> Vec<Scope> {
        match &self.credential {
            Credential::Token(scopes) => scopes.clone(),
            Credential::Session => {
                let may = |scope: &Scope| self.check(Right::of_scope(*scope)).is_ok();
                Scope::ALL.into_iter().filter(may).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whoever_has_chosen_nothing_is_told_what_to_choose() {
        let newcomer = holder(false, &[], Credential::Session);
        for (right, expected) in [
            (Right::Account, Ok(())),
            (Right::SignIn, Ok(())),
            (Right::Jobs, Err(Denied::NeedsRole(Role::Creator))),
            (Right::Workers, Err(Denied::NeedsRole(Role::WorkerOwner))),
            (
                Right::Community,
                Err(Denied::NeedsRole(Role::CommunityMember)),
            ),
            (Right::Operate, Err(Denied::NotAnOperator)),
        ] {
            assert_eq!(newcomer.check(right), expected, "{right:?}");
        }
        assert_eq!(newcomer.scopes(), []);
    }

    #[test]
    fn an_operator_chooses_nothing_and_has_every_right_in_a_browser() {
        let operator = holder(true, &[], Credential::Session);
        for right in Right::ALL {
            assert_eq!(operator.check(right), Ok(()), "{right:?}");
        }
        assert_eq!(operator.scopes(), Scope::ALL);
    }

    #[test]
    fn scripts_neither_check_in_nor_sign_in() {
        for operator in [false, true] {
            let script = holder(operator, &Role::ALL, Credential::Token(Scope::ALL.into()));
            for right in [Right::Community, Right::SignIn] {
                assert_eq!(script.check(right), Err(Denied::NeedsSession));
            }
        }
    }

    #[test]
    fn an_operators_token_operates_only_if_it_says_so_and_its_owner_still_does() {
        let jobs = Credential::Token(vec![Scope::Jobs]);
        let refused = holder(true, &[], jobs).check(Right::Operate);
        assert_eq!(refused, Err(Denied::NeedsScope(Scope::Operator)));
        let all = Credential::Token(vec![Scope::Operator]);
        assert_eq!(holder(true, &[], all.clone()).check(Right::Workers), Ok(()));
        let dismissed = holder(false, &[], all);
        assert_eq!(dismissed.check(Right::Operate), Err(Denied::NotAnOperator));
        let refused = dismissed.check(Right::Workers);
        assert_eq!(refused, Err(Denied::NeedsRole(Role::WorkerOwner)));
    }

    proptest! {
        #[test]
        fn a_token_never_carries_more_than_its_owners_browser(
            operator in any::<bool>(),
            roles in prop::sample::subsequence(Role::ALL.to_vec(), 0..=3),
            scopes in prop::sample::subsequence(Scope::ALL.to_vec(), 0..=3),
            right in prop::sample::select(Right::ALL.to_vec())
        ) {
            let browser = holder(operator, &roles, Credential::Session);
            let script = holder(operator, &roles, Credential::Token(scopes));
            prop_assert!(script.check(right).is_err() || browser.check(right).is_ok());
        }

        #[test]
        fn choosing_a_role_takes_no_right_away(
            operator in any::<bool>(),
            roles in prop::sample::subsequence(Role::ALL.to_vec(), 0..=3),
            another in prop::sample::select(Role::ALL.to_vec()),
            scopes in prop::option::of(prop::sample::subsequence(Scope::ALL.to_vec(), 0..=3)),
            right in prop::sample::select(Right::ALL.to_vec())
        ) {
            let credential = scopes.map_or(Credential::Session, Credential::Token);
            let before = holder(operator, &roles, credential.clone());
            let after = holder(operator, &[&roles[..], &[another]].concat(), credential);
            prop_assert!(before.check(right).is_err() || after.check(right).is_ok());
        }
    }

    fn holder(operator: bool, roles: &[Role], credential: Credential) -> Holder {
        Holder {
            operator,
            roles: roles.to_vec(),
            credential,
        }
    }
}
