//! People of the tests: what they are, and what they come with.

use http::{Method, StatusCode};
use pictor_coordinator::accounts::sessions::{self, NewSession};
use pictor_coordinator::accounts::{self, TokenSpec, roles};
use pictor_coordinator::app::now_us;
use pictor_coordinator::store::people::insert_user;
use pictor_protocol::UserId;
use pictor_protocol::campaign::CampaignNow;
use pictor_protocol::people::{Role, Scope};
use serde_json::json;

use super::World;
use super::browser::Browser;
use super::client::Client;

impl World {
    /// Somebody new who chose these roles.
    pub async fn person(&self, name: &str, chosen: &[Role]) -> UserId {
        let id = UserId::new(uuid::Uuid::now_v7());
        let mut tx = self.store.write().await.unwrap();
        insert_user(&mut tx, id, name, false, now_us())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        roles::choose(&self.store, id, chosen, now_us())
            .await
            .unwrap();
        id
    }

    pub async fn operator(&self) -> UserId {
        let operator = accounts::by_name(&self.store, accounts::OPERATOR).await;
        operator.unwrap().id
    }

    /// A browser in which somebody signed in just now.
    pub async fn browser_of(&self, user: UserId) -> Browser {
        let new = NewSession {
            user,
            identity: None,
            user_agent: None,
        };
        let mut tx = self.store.write().await.unwrap();
        let secret = sessions::begin(&mut tx, new, now_us()).await.unwrap();
        tx.commit().await.unwrap();
        let mut browser = Browser::on(&self.url);
        browser.set_cookie("pictor_session", secret.reveal());
        browser
    }

    /// Somebody's script.
    pub async fn script_of(&self, name: &str, scopes: &[Scope]) -> Client {
        let user = accounts::by_name(&self.store, name).await.unwrap();
        let spec = TokenSpec {
            name: "test",
            scopes,
            expires_in_days: None,
        };
        let token = accounts::mint_token(&self.store, &user, &spec, now_us()).await;
        Client::new(&self.url, token.unwrap().secret.reveal())
    }
}

impl Browser {
    /// Chooses roles as a page would, and accepts the rules of the campaign, if there is one.
    pub async fn choose(&mut self, roles: &[Role]) {
        let now: CampaignNow = self.get("/api/v1/campaign").await.json();
        let version = now.current.map(|campaign| campaign.rules_version);
        let choice = json!({ "roles": roles, "accept_rules": version });
        let body = serde_json::to_vec(&choice).unwrap();
        let chosen = self.ask(Method::PUT, "/api/v1/me/roles", body).await;
        assert_eq!(chosen.status, StatusCode::OK, "{chosen:?}");
    }
}
