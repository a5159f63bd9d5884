//! Kinds: what sort of thing an entry says happened. `docs/ledger.md` lists each with its data; a
//! test holds the two together.

use super::named::named;

named! {
    /// What happened. A new kind is added here, in `docs/ledger.md` and in `docs/entry.schema.json`.
    Kind {
        /// A message was taken on for delivery.
        MessageAccepted = "message.accepted",
        /// A message, or a counted number of them, was refused.
        MessageRefused = "message.refused",
        /// A request of a client was refused before it was looked at.
        RequestRefused = "request.refused",
        /// A segment is about to be written to a carrier's bind.
        MessageDispatched = "message.dispatched",
        /// The carrier took a segment and gave it an id.
        MessageSubmitted = "message.submitted",
        /// The carrier reports the message delivered.
        MessageDelivered = "message.delivered",
        /// The message ended undelivered.
        MessageFailed = "message.failed",
        /// The validity of the message ran out.
        MessageExpired = "message.expired",
        /// The client took the message back before its dispatch.
        MessageCancelled = "message.cancelled",
        /// The client had the text of the message, or all that was kept of it, destroyed.
        MessageRedacted = "message.redacted",
        /// Nobody will ever know whether the message arrived.
        MessageUnknown = "message.unknown",
        /// The message waits for a decision, since its dispatch may or may not have left.
        MessageHeld = "message.held",
        /// A held message goes on.
        MessageReleased = "message.released",
        /// A message's sealed fields were opened for a reader.
        MessageRead = "message.read",
        /// Messages were searched for, by number or otherwise.
        MessageSearched = "message.searched",
        /// A delivery receipt came and was matched to a segment.
        ReceiptReceived = "receipt.received",
        /// A delivery receipt came that matches nothing known.
        ReceiptUnmatched = "receipt.unmatched",
        /// A message came from a handset.
        MoReceived = "mo.received",
        /// Part of a message from a handset was given up, the rest of it never having come.
        MoIncomplete = "mo.incomplete",
        /// Messages from handsets were handed to a client.
        InboundRead = "inbound.read",
        /// A handset, or someone for it, opted out of a short code.
        OptoutRecorded = "optout.recorded",
        /// An opt-out was taken back.
        OptoutRemoved = "optout.removed",
        /// Somebody asked whether a number has opted out.
        OptoutLookup = "optout.lookup",
        /// A verification began: a code is on its way to a handset, or is waited for from one.
        VerificationStarted = "verification.started",
        /// The code of a verification was sent once more.
        VerificationResent = "verification.resent",
        /// A code was shown and checked, or a counted number of checks was not evaluated.
        VerificationChecked = "verification.checked",
        /// A verification ended, and with it the key of its code.
        VerificationEnded = "verification.ended",
        /// A client looked where its verifications stand.
        VerificationRead = "verification.read",
        /// A number whose codes were not looked at any more, after too many failures, was enabled again.
        VerificationEnabled = "verification.enabled",
        /// A client made a verify service.
        VerifyServiceCreated = "service.created",
        /// A client changed the terms of a verify service.
        VerifyServiceChanged = "service.changed",
        /// A client removed a verify service.
        VerifyServiceRemoved = "service.removed",
        /// Numbers that begin alike get no codes for a while, since codes to them go unused.
        PumpingBlocked = "pumping.blocked",
        /// Such a block is over.
        PumpingLifted = "pumping.lifted",
        /// A counted number of verifications would have been refused, had the guard not only recorded.
        PumpingSuspected = "pumping.suspected",
        /// A factor of a person was enrolled: an authenticator app or a set of recovery codes.
        FactorEnrolled = "factor.enrolled",
        /// A code was shown to confirm that the app holds the key.
        FactorConfirmed = "factor.confirmed",
        /// A code of a factor was checked.
        FactorChecked = "factor.checked",
        /// A factor was taken away, and its secret destroyed.
        FactorRemoved = "factor.removed",
        /// A factor was shown to its client.
        FactorRead = "factor.read",
        /// Events were told to somebody who wants to hear of them, or could not be.
        EventsTold = "events.told",
        /// An event was given up: whoever was to hear of it did not take it.
        EventsDead = "events.dead",
        /// A webhook came to be.
        WebhookAdded = "webhook.added",
        /// A webhook was taken away, and its secrets destroyed.
        WebhookRemoved = "webhook.removed",
        /// A webhook is called again.
        WebhookEnabled = "webhook.enabled",
        /// A webhook is not called any more.
        WebhookDisabled = "webhook.disabled",
        /// A webhook got new secrets.
        WebhookRotated = "webhook.rotated",
        /// Webhooks, or what they did not take, were listed.
        WebhookRead = "webhook.read",
        /// Events that a webhook did not take are told once more.
        WebhookReplayed = "webhook.replayed",
        /// A client came to be.
        ClientCreated = "client.created",
        /// What a client must show was changed.
        ClientChanged = "client.changed",
        /// A client got a new key.
        ClientRotated = "client.rotated",
        /// A client, or one of its keys, was revoked.
        ClientRevoked = "client.revoked",
        /// A key of a client was used, the first time on a day.
        ClientUsed = "client.used",
        /// A request was signed by a clock that runs ahead of the gateway's.
        AuthAhead = "auth.ahead",
        /// Credentials were presented and found wanting.
        AuthFailed = "auth.failed",
        /// A configuration was read, and is in force unless the outcome is a refusal.
        ConfigLoaded = "config.loaded",
        /// An authority gave the gateway a certificate.
        CertificateObtained = "certificate.obtained",
        /// An authority gave it none.
        CertificateFailed = "certificate.failed",
        /// A key of the gateway came to be.
        KeyCreated = "key.created",
        /// A key of the gateway was replaced.
        KeyRotated = "key.rotated",
        /// A user of the machine looked at the limits, or asked what a message would meet.
        LimitRead = "limit.read",
        /// The secret that signs what the URLs of a client's messages are told was shown.
        CallbackRead = "callback.read",
        /// A client got a new such secret.
        CallbackRotated = "callback.rotated",
        /// Clients were listed.
        ClientRead = "client.read",
        /// Checkpoints, tiles or entries were handed to a reader.
        LedgerRead = "ledger.read",
        /// Entries were searched for.
        LedgerSearched = "ledger.searched",
        /// The ledger, or a part of it, was written out for others.
        LedgerExported = "ledger.exported",
        /// Entries below a minimum index were dropped, their hashes kept.
        LedgerPruned = "ledger.pruned",
        /// The ledger is open for writing.
        LedgerStarted = "ledger.started",
        /// The ledger was closed in good order.
        LedgerStopped = "ledger.stopped",
        /// The ledger was opened after an end that was not in good order.
        LedgerRecovered = "ledger.recovered",
        /// For a while nothing could be recorded, and everything was refused.
        LedgerGap = "ledger.gap",
        /// The ledger is about to run out of room: everything is refused until there is more.
        LedgerDegraded = "ledger.degraded",
        /// A witness no longer cosigns.
        WitnessLost = "witness.lost",
        /// A witness cosigns again.
        WitnessRegained = "witness.regained",
        /// A carrier accepted a bind.
        LinkBound = "link.bound",
        /// A bind ended, or was refused.
        LinkLost = "link.lost",
        /// An ESME bound under its account.
        EsmeBound = "esme.bound",
        /// Such a bind ended.
        EsmeUnbound = "esme.unbound",
        /// The clock jumped.
        ClockStep = "clock.step",
        /// A backup was written.
        BackupMade = "backup.made",
        /// The state was restored from a backup.
        BackupRestored = "backup.restored",
        /// Private values were destroyed because their time was over.
        RetentionExpired = "retention.expired",
        /// The private values of a person were destroyed.
        SubjectErased = "subject.erased",
        /// What is kept about a person was handed out.
        SubjectExported = "subject.exported",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.as_str()), Some(*kind));
        }
        assert_eq!(Kind::from_name("message.sent"), None);
    }

    #[test]
    fn names_are_two_lower_case_words_and_a_dot() {
        for kind in Kind::ALL {
            let (left, right) = kind.as_str().split_once('.').unwrap();
            let plain =
                |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
            assert!(plain(left) && plain(right), "{kind}");
        }
    }
}
