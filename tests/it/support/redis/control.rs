//! Faults of a server besides its end, and what it says of itself.

use std::process::Command;

use redis::{Cmd, FromRedisValue};

use super::Redis;

impl Redis {
    /// A server that keeps nothing on disk.
    pub async fn start() -> Self {
        Self::with(&["--appendonly", "no"]).await
    }

    /// Brings it back, whether it was killed, hangs, or is well.
    pub async fn heal(&mut self) {
        match self.process.try_wait().unwrap() {
            Some(_) => self.restart().await,
            None => self.go_on(),
        }
    }

    /// It takes connections from here on, and answers nothing.
    pub fn hang(&self) {
        self.signal("STOP");
    }

    pub fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        // Every shell has it built in; a program of that name is not on every machine.
        let kill = format!("kill -{signal} {}", self.process.id());
        let status = Command::new("sh").args(["-c", &kill]).status();
        assert!(status.unwrap().success());
    }
}

impl Redis {
    /// What it answers to a command, over a connection of its own.
    pub fn ask<T: FromRedisValue>(&self, command: &mut Cmd) -> T {
        let client = redis::Client::open(self.url()).unwrap();
        command
            .query(&mut client.get_connection().unwrap())
            .unwrap()
    }

    pub fn get(&self, key: &str) -> String {
        self.ask(redis::cmd("GET").arg(key))
    }

    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.ask(redis::cmd("KEYS").arg("*"));
        keys.sort();
        keys
    }

    /// One number of `INFO`.
    pub fn info(&self, name: &str) -> u64 {
        let info: String = self.ask(redis::cmd("INFO").arg("everything"));
        let lines = info.lines().filter_map(|line| line.split_once(':'));
        let mut named = lines.filter(|(known, _)| *known == name);
        named.next().unwrap().1.parse().unwrap()
    }

    /// How often each command was called, without those of a test's own.
    pub fn calls(&self) -> Vec<(String, u64)> {
        let stats: String = self.ask(redis::cmd("INFO").arg("commandstats"));
        let mut calls = Vec::new();
        for line in stats.lines() {
            let Some((name, numbers)) = line.split_once(":calls=") else {
                continue;
            };
            let name = name.trim_start_matches("cmdstat_").to_owned();
            let count = numbers.split(',').next().unwrap().parse().unwrap();
            if !["info", "ping", "config|resetstat"].contains(&&*name)
                && !name.starts_with("client")
            {
                calls.push((name, count));
            }
        }
        calls.sort();
        calls
    }
}
