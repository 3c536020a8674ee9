//! Lanes in which a message is in flight and nothing waits behind it: most that are used. They have no row; the open attempt says
//! what is in flight, and the writer remembers it.

use transom_domain::id::BusinessId;

use super::Sql;
use crate::rows::{Lane, LaneKey, QueueRows, Result, Seq};

/// An engine that keeps such lanes without a row.
pub(crate) trait Flights: Sql + QueueRows {
    /// Of whom those are remembered that this lane is among: of a business, or of all.
    fn flights_of(&self, key: &LaneKey) -> Result<Option<BusinessId>>;

    /// All of those, as they are written.
    fn read_flights(&self, of: Option<BusinessId>) -> Result<Vec<(LaneKey, Seq)>>;

    /// The message in flight in a lane that has no row.
    fn flight(&self, key: &LaneKey) -> Result<Option<Seq>> {
        let Some(cache) = self.remembered() else { return Ok(None) };
        let of = self.flights_of(key)?;
        if !cache.flights.borrow().contains_key(&of) {
            let found = self.read_flights(of)?;
            cache.flights.borrow_mut().insert(of, found.into_iter().collect());
        }
        Ok(cache.flights.borrow().get(&of).and_then(|flights| flights.get(key).copied()))
    }

    /// A message is in flight in a lane that has no row.
    fn begin_flight(&self, key: &LaneKey, seq: Seq) -> Result<()> {
        self.flight(key)?;
        let (cache, of) = (self.cache()?, self.flights_of(key)?);
        cache.flights.borrow_mut().entry(of).or_default().insert(*key, seq);
        cache.changed();
        Ok(())
    }

    /// It is not any more. Says whether there was one.
    fn end_flight(&self, key: &LaneKey) -> Result<bool> {
        self.flight(key)?;
        let (cache, of) = (self.cache()?, self.flights_of(key)?);
        let ended = cache.flights.borrow_mut().get_mut(&of).and_then(|flights| flights.remove(key)).is_some();
        if ended {
            cache.changed();
        }
        Ok(ended)
    }

    /// As [`QueueRows::land`].
    fn end_flight_of(&self, key: &LaneKey, seq: Seq) -> Result<bool> {
        Ok(self.flight(key)? == Some(seq) && self.end_flight(key)?)
    }

    /// As [`QueueRows::seat`]: from now on the lane has a row.
    fn seat_flight(&mut self, key: &LaneKey) -> Result<()> {
        match self.flight(key)? {
            Some(flight) => self.put_lane(key, &Lane { flight: Some(flight), due: None, head: 0 }),
            None => Ok(()),
        }
    }
}
