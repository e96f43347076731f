//! The sessions of one subject, in a sorted set: the oldest first.

use redis::cmd;

use super::RedisStore;
use crate::session::{SessionId, StoreError, SubjectId};

/// Keeps a session and adds it to the set of its subject, which lasts a second longer than the last
/// session in it, as `TTL` rounds. Drops what has ended from the set, and ends the oldest sessions
/// beyond the limit. Returns the same where the command was sent twice.
const CREATE: &str = "\
if not redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3], 'NX') then
  return redis.call('GET', KEYS[1]) == ARGV[2] and 1 or 0
end
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if redis.call('EXISTS', ARGV[4] .. id) == 0 then redis.call('ZREM', KEYS[2], id) end
end
local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')
redis.call('ZADD', KEYS[2], (tonumber(last[2]) or 0) + 1, ARGV[1])
local over = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[5])
for _ = 1, over do
  local oldest = redis.call('ZPOPMIN', KEYS[2])
  redis.call('DEL', ARGV[4] .. oldest[1])
end
if redis.call('TTL', KEYS[2]) <= tonumber(ARGV[3]) then
  redis.call('EXPIRE', KEYS[2], ARGV[3] + 1)
end
return 1";

const DELETE: &str = "\
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  redis.call('DEL', ARGV[1] .. id)
end
return redis.call('DEL', KEYS[1])";

const LIST: &str = "\
local live = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if redis.call('EXISTS', ARGV[1] .. id) == 1 then table.insert(live, id) end
end
return live";

impl RedisStore {
    pub(super) async fn create_of_subject(
        &self,
        subject: SubjectId,
        id: SessionId,
        sealed: &str,
        seconds: u64,
    ) -> Result<bool, StoreError> {
        let mut create = cmd("EVAL");
        create.arg(CREATE).arg(2);
        create
            .arg(self.prefix.session(id))
            .arg(self.prefix.subject(subject));
        create.arg(id.to_string()).arg(sealed).arg(seconds);
        create.arg(self.prefix.sessions()).arg(self.max_per_subject);
        self.query(&create).await
    }

    pub(super) async fn delete_subject(&self, subject: SubjectId) -> Result<(), StoreError> {
        let mut delete = cmd("EVAL");
        delete.arg(DELETE).arg(1).arg(self.prefix.subject(subject));
        self.query(delete.arg(self.prefix.sessions())).await
    }

    pub(super) async fn list_subject(
        &self,
        subject: SubjectId,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut list = cmd("EVAL");
        list.arg(LIST).arg(1).arg(self.prefix.subject(subject));
        let ids: Vec<String> = self.query(list.arg(self.prefix.sessions())).await?;
        Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
    }
}
