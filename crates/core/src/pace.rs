//! When an answer is slow: for profiles that ask the next target beside a slow one.

/// So many answers at least have to be known: fewer say nothing of the slowest twentieth.
const FEWEST: usize = 20;
/// Nobody is slow before so many milliseconds: two requests for the sake of less are not worth their price.
const SOONEST_MS: u64 = 50;

/// After how many milliseconds an answer is slower than 95 % of those before it; `None` where too few are known.
pub fn slow_after_ms(mut waits: Vec<u64>) -> Option<u64> {
    if waits.len() < FEWEST {
        return None;
    }
    let last_of_95 = (waits.len() * 95).div_ceil(100) - 1;
    let (_, slowest, _) = waits.select_nth_unstable(last_of_95);
    Some((*slowest).max(SOONEST_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_is_what_is_slower_than_nineteen_of_twenty() {
        let hundred: Vec<u64> = (1..=100).rev().map(|n| n * 10).collect();
        assert_eq!(slow_after_ms(hundred), Some(950));
        let mut twenty = vec![200; 19];
        assert_eq!(slow_after_ms(twenty.clone()), None, "too few are known");
        twenty.push(9_000);
        assert_eq!(slow_after_ms(twenty), Some(200), "one straggler among twenty sets no pace");
        assert_eq!(slow_after_ms(vec![2; 50]), Some(50));
    }
}
