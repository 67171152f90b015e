//! The statements of each action, between BEGIN and COMMIT. An error stands for a transaction that is to be rolled back.

use std::sync::Arc;

use super::session::Session;
use super::{PostgresOptions, Update};
use crate::consistency::Value;
use crate::store::values;
use crate::workload::{Action, Micro, Outcome, words};

/// A transaction under way.
pub(super) struct Transaction<'a> {
    pub(super) session: &'a Session,
    pub(super) options: &'a PostgresOptions,
}

impl Transaction<'_> {
    fn table(&self, name: &str) -> String {
        format!("{}.{name}", self.options.schema)
    }

    /// Runs the statements of an action.
    pub(super) async fn run(&self, action: &Action) -> Result<Outcome, Outcome> {
        let input = || Outcome::ok(action.input());
        match action {
            Action::Read { key } => {
                Ok(Outcome::ok(self.number("register", key, "").await?.map_or(Value::Nil, Value::Int)))
            }
            Action::Write { key, value } => self.set("register", key, *value).await.map(|()| input()),
            Action::Cas { key, from, to } => self.cas(key, *from, *to).await.map(|()| input()),
            Action::Add { set, element } => {
                let sql = format!("INSERT INTO {} (name, element) VALUES ($1, $2)", self.table("member"));
                self.session.execute(&sql, &[&set.as_ref(), element]).await.map(|_| input())
            }
            Action::Members { set } => {
                let sql = format!("SELECT element FROM {} WHERE name = $1", self.table("member"));
                self.elements(&sql, set).await
            }
            Action::Transact { steps } => self.transact(steps).await,
            Action::OpenAccounts { accounts, balance } => {
                for account in accounts.iter() {
                    self.set("account", account, *balance).await?;
                }
                Ok(Outcome::ok(Value::Nil))
            }
            Action::Transfer { from, to, amount } => self.transfer(from, to, *amount).await.map(|()| input()),
            Action::Balances { accounts } => self.balances(accounts).await,
            Action::Enqueue { queue, element } => {
                let sql = format!("INSERT INTO {} (name, element) VALUES ($1, $2)", self.table("queue"));
                self.session.execute(&sql, &[&queue.as_ref(), element]).await.map(|_| input())
            }
            Action::Dequeue { queue } => self.dequeue(queue).await,
            Action::Drain { queue } => {
                let table = self.table("queue");
                let deleted = format!("DELETE FROM {table} WHERE name = $1 RETURNING id, element");
                let sql = format!("WITH gone AS ({deleted}) SELECT element FROM gone ORDER BY id");
                self.elements(&sql, queue).await
            }
            Action::Increment { counter, by } => self.add("counter", counter, *by).await.map(|()| input()),
            Action::Count { counter } => {
                Ok(Outcome::ok(Value::Int(self.number("counter", counter, "").await?.unwrap_or(0))))
            }
            Action::Acquire { lock } => self.acquire(lock).await,
            Action::Release { lock, token } => self.release(lock, *token).await.map(|()| input()),
            Action::Watch { .. } => Err(Outcome::fail("PostgreSQL has no watch")),
        }
    }

    async fn number(&self, table: &str, key: &str, lock: &str) -> Result<Option<i64>, Outcome> {
        let sql = format!("SELECT value FROM {} WHERE key = $1 {lock}", self.table(table));
        Ok(self.session.query(&sql, &[&key]).await?.first().map(|row| row.get(0)))
    }

    async fn set(&self, table: &str, key: &str, value: i64) -> Result<(), Outcome> {
        let sql = format!(
            "INSERT INTO {} (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            self.table(table)
        );
        self.session.execute(&sql, &[&key, &value]).await.map(drop)
    }

    async fn add(&self, table: &str, key: &str, by: i64) -> Result<(), Outcome> {
        match self.options.update {
            Update::OneStatement => {
                let sql = format!(
                    "INSERT INTO {} AS old (key, value) VALUES ($1, $2) \
                     ON CONFLICT (key) DO UPDATE SET value = old.value + excluded.value",
                    self.table(table)
                );
                self.session.execute(&sql, &[&key, &by]).await.map(drop)
            }
            Update::ReadThenWrite => {
                let now = self.number(table, key, "").await?.unwrap_or(0);
                self.set(table, key, now + by).await
            }
        }
    }

    async fn cas(&self, key: &str, from: i64, to: i64) -> Result<(), Outcome> {
        let refused = |actual: Option<Value>| Outcome {
            actual,
            ..Outcome::fail("the value is another one, and the transaction was rolled back")
        };
        match self.options.update {
            Update::OneStatement => {
                let sql = format!("UPDATE {} SET value = $3 WHERE key = $1 AND value = $2", self.table("register"));
                let changed = self.session.execute(&sql, &[&key, &from, &to]).await?;
                // An update says how many rows it changed; a further statement may see a later state.
                if changed == 1 { Ok(()) } else { Err(refused(None)) }
            }
            Update::ReadThenWrite => {
                let now = self.number("register", key, "").await?;
                if now == Some(from) {
                    return self.set("register", key, to).await;
                }
                // What was compared is what was read.
                Err(refused(Some(now.map_or(Value::Nil, Value::Int))))
            }
        }
    }

    async fn elements(&self, sql: &str, name: &str) -> Result<Outcome, Outcome> {
        let rows = self.session.query(sql, &[&name]).await?;
        Ok(Outcome::ok(Value::List(rows.iter().map(|row| Value::Int(row.get(0))).collect())))
    }

    async fn list(&self, key: &str) -> Result<String, Outcome> {
        let sql = format!("SELECT elements FROM {} WHERE key = $1", self.table("list"));
        Ok(self.session.query(&sql, &[&key]).await?.first().map(|row| row.get(0)).unwrap_or_default())
    }

    async fn append(&self, key: &str, element: i64) -> Result<(), Outcome> {
        let (table, element_text) = (self.table("list"), element.to_string());
        match self.options.update {
            Update::OneStatement => {
                let sql = format!(
                    "INSERT INTO {table} AS old (key, elements) VALUES ($1, $2) \
                     ON CONFLICT (key) DO UPDATE SET elements = old.elements || ',' || excluded.elements"
                );
                self.session.execute(&sql, &[&key, &element_text]).await.map(drop)
            }
            Update::ReadThenWrite => {
                let longer = values::with_element(&self.list(key).await?, element);
                let sql = format!(
                    "INSERT INTO {table} (key, elements) VALUES ($1, $2) \
                     ON CONFLICT (key) DO UPDATE SET elements = excluded.elements"
                );
                self.session.execute(&sql, &[&key, &longer]).await.map(drop)
            }
        }
    }

    async fn transact(&self, steps: &[Micro]) -> Result<Outcome, Outcome> {
        let mut results = Vec::with_capacity(steps.len());
        for step in steps {
            let read = match step {
                Micro::Read(key) => values::parse_elements(&self.list(key).await?),
                Micro::Append(key, element) => {
                    self.append(key, *element).await?;
                    Value::Nil
                }
            };
            results.push(words::micro(step, read));
        }
        Ok(Outcome::ok(words::list(results)))
    }

    async fn transfer(&self, from: &str, to: &str, amount: i64) -> Result<(), Outcome> {
        let overdrawn = || Outcome::fail(format!("{from} has less than {amount}, and the transaction was rolled back"));
        match self.options.update {
            Update::OneStatement => {
                let table = self.table("account");
                let sql = format!("UPDATE {table} SET value = value - $2 WHERE key = $1 AND value >= $2");
                if self.session.execute(&sql, &[&from, &amount]).await? != 1 {
                    return Err(overdrawn());
                }
                self.add("account", to, amount).await
            }
            Update::ReadThenWrite => {
                let source = self.number("account", from, "").await?.unwrap_or(0);
                let target = self.number("account", to, "").await?.unwrap_or(0);
                if source < amount {
                    return Err(overdrawn());
                }
                self.set("account", from, source - amount).await?;
                self.set("account", to, target + amount).await
            }
        }
    }

    async fn balances(&self, accounts: &[Arc<str>]) -> Result<Outcome, Outcome> {
        // One statement for each account, so that a level that takes a new snapshot for each statement shows it.
        let mut found = Vec::with_capacity(accounts.len());
        for account in accounts {
            found.push((account, self.number("account", account, "").await?.unwrap_or(0)));
        }
        Ok(Outcome::ok(words::balances(found)))
    }

    async fn dequeue(&self, queue: &str) -> Result<Outcome, Outcome> {
        let table = self.table("queue");
        let first = format!("SELECT id FROM {table} WHERE name = $1 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED");
        let sql = format!("DELETE FROM {table} WHERE id = ({first}) RETURNING element");
        let rows = self.session.query(&sql, &[&queue]).await?;
        Ok(Outcome::ok(rows.first().map_or(Value::Nil, |row| Value::Int(row.get(0)))))
    }

    async fn acquire(&self, lock: &str) -> Result<Outcome, Outcome> {
        let sql = format!(
            "INSERT INTO {} AS old (key, token, held_until) VALUES ($1, 1, clock_timestamp() + $2 * interval '1 millisecond') \
             ON CONFLICT (key) DO UPDATE SET token = old.token + 1, held_until = excluded.held_until \
             WHERE old.held_until IS NULL OR old.held_until < clock_timestamp() RETURNING token",
            self.table("lock")
        );
        let ttl = self.options.lock_ttl.as_secs_f64() * 1000.0;
        match self.session.query(&sql, &[&lock, &ttl]).await?.first() {
            Some(row) => Ok(Outcome::ok(Value::Int(row.get(0)))),
            None => Err(Outcome::fail("the lock is held, and the transaction was rolled back")),
        }
    }

    async fn release(&self, lock: &str, token: i64) -> Result<(), Outcome> {
        let sql = format!(
            "UPDATE {} SET held_until = NULL WHERE key = $1 AND token = $2 AND held_until IS NOT NULL",
            self.table("lock")
        );
        if self.session.execute(&sql, &[&lock, &token]).await? == 1 {
            return Ok(());
        }
        Err(Outcome::fail("the lock is not held under this token any more, and the transaction was rolled back"))
    }
}
