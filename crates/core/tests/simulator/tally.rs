//! How often what happened: a simulation in which nothing happens proves nothing.

/// How often what happened.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub answered: u64,
    pub failed_over: u64,
    pub retried: u64,
    pub refused: u64,
    pub waited: u64,
    pub timed_out: u64,
    pub skipped: u64,
    pub barred: u64,
    pub nobody: u64,
    pub left: u64,
    pub vanished: u64,
    pub restarts: u64,
}

impl Tally {
    pub fn everything(&self) -> [(&'static str, u64); 12] {
        [
            ("an answer", self.answered),
            ("a failover", self.failed_over),
            ("a retry", self.retried),
            ("a refusal", self.refused),
            ("a wait that ended well", self.waited),
            ("a wait in vain", self.timed_out),
            ("a skipped connection", self.skipped),
            ("a connection that was barred after the plan", self.barred),
            ("a call that nobody may take", self.nobody),
            ("a caller that left", self.left),
            ("a task that vanished", self.vanished),
            ("a restart", self.restarts),
        ]
    }

    pub fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        self.failed_over += other.failed_over;
        self.retried += other.retried;
        self.refused += other.refused;
        self.waited += other.waited;
        self.timed_out += other.timed_out;
        self.skipped += other.skipped;
        self.barred += other.barred;
        self.nobody += other.nobody;
        self.left += other.left;
        self.vanished += other.vanished;
        self.restarts += other.restarts;
    }
}
