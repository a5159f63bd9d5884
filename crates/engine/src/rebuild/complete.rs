//! Completing rebuilt rows, so that a gateway can go on from them: what entries do not tell comes from
//! the vault, and from the rows of the store that can still be read.

use super::judge::Judge;
use super::{PAGE, number};
use crate::ports::shelf::Told;
use crate::ports::store::ReadError;
use crate::ports::{Shelf, View};
use crate::rows::NO_SUBJECT;

/// Puts blind indices of numbers and users and the clients' references into the rows of a shelf. Secrets of
/// factors are left to whoever writes the copy.
pub fn complete(view: &dyn View, shelf: &mut dyn Shelf, judge: &Judge) -> Result<(), ReadError> {
    messages(view, shelf, judge)?;
    inbounds(view, shelf, judge)?;
    opt_outs(view, shelf, judge)?;
    factors(view, shelf, judge)
}

fn messages(view: &dyn View, shelf: &mut dyn Shelf, judge: &Judge) -> Result<(), ReadError> {
    let mut after = None;
    loop {
        let page = shelf.messages(after, PAGE)?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.id.sequence());
        for mut row in page {
            let sequence = row.id.sequence();
            let kept = view.messages(sequence.checked_sub(1), 1)?;
            let kept = kept.into_iter().find(|kept| kept.id == row.id);
            let subject = kept.as_ref().map_or(NO_SUBJECT, |kept| kept.subject);
            row.subject = judge.subject(number(view, sequence)?.as_ref(), subject);
            let head = kept.map(|kept| kept.head);
            row.head.callback = head.as_ref().and_then(|head| head.callback.clone());
            row.head.reference = head.and_then(|head| head.reference);
            shelf.put(Told::Message(Box::new(row)))?;
        }
    }
}

fn inbounds(view: &dyn View, shelf: &mut dyn Shelf, judge: &Judge) -> Result<(), ReadError> {
    let mut after = None;
    loop {
        let page = shelf.inbounds(after, PAGE)?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.id.sequence());
        for mut row in page {
            let sequence = row.id.sequence();
            let kept = view.inbounds(sequence.checked_sub(1), 1)?;
            let kept = kept.into_iter().find(|kept| kept.id == row.id);
            let subject = kept.map_or(NO_SUBJECT, |kept| kept.subject);
            row.subject = judge.subject(number(view, sequence)?.as_ref(), subject);
            shelf.put(Told::Inbound(Box::new(row)))?;
        }
    }
}

fn opt_outs(view: &dyn View, shelf: &mut dyn Shelf, judge: &Judge) -> Result<(), ReadError> {
    let mut after = None;
    loop {
        let page = shelf.opt_outs(after, PAGE)?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.sequence);
        for mut row in page {
            let kept = view.opt_outs(row.sequence.checked_sub(1), 1)?;
            let kept = kept.into_iter().find(|kept| kept.sequence == row.sequence);
            let sealed = number(view, row.sequence)?;
            let subject = kept.map_or(NO_SUBJECT, |kept| kept.subject);
            row.subject = judge.suppression(sealed.as_ref(), subject);
            shelf.put(Told::OptOut(row))?;
        }
    }
}

fn factors(view: &dyn View, shelf: &mut dyn Shelf, judge: &Judge) -> Result<(), ReadError> {
    let mut after = None;
    loop {
        let page = shelf.factors(after, PAGE)?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.id.sequence());
        for mut row in page {
            let sequence = row.id.sequence();
            let kept = view.factors(sequence.checked_sub(1), 1)?;
            let kept = kept.into_iter().find(|kept| kept.id == row.id);
            let subject = kept.map_or(NO_SUBJECT, |kept| kept.subject);
            let user = number(view, sequence)?;
            row.subject = judge.user(row.client, user.as_ref(), subject);
            shelf.put(Told::Factor(Box::new(row)))?;
        }
    }
}
