"""Replies that relays give because of the sending account, and some that look alike and are the message's own.

The second dimension of 4yz and 5yz at a stage: the same code means something else. The evidence for each is in the
table of replies that the design is built on; the texts are filled in as those relays fill them in.
"""

from __future__ import annotations

from dataclasses import dataclass

import faults as f


@dataclass(frozen=True)
class Said:
    provider: str    # as `provider =` in a configuration; empty where no profile is needed to understand the reply
    stage: str
    reply: str
    lines: str = ""  # what goes over the wire where that is more than one line


NEXT_RELAY = {
    "ses_daily_quota": Said("ses", f.DOT, "454 Throttling failure: Daily message quota exceeded."),
    "ses_rate": Said("ses", f.DOT, "454 Throttling failure: Maximum sending rate exceeded."),
    "ses_connections": Said("ses", f.GREETING, "421 Too many concurrent SMTP connections"),
    "ses_unverified": Said(
        "ses", f.DOT, "554 Message rejected: Email address is not verified. The following identities failed the check "
        "in region EU-WEST-1: sender@example.org"),
    "ses_suspended": Said("ses", f.DOT, "554 Sending suspended for this account. Please contact customer support."),
    "ses_paused": Said("ses", f.DOT, "554 Message rejected: Sending for this account has been paused."),
    "ses_credentials": Said("ses", f.AUTH, "535 Authentication Credentials Invalid"),
    "sendgrid_credits": Said("sendgrid", f.AUTH, "451 Authentication failed: Maximum credits exceeded"),
    "sendgrid_key": Said(
        "sendgrid", f.AUTH,
        "535 Authentication failed: The provided authorization grant is invalid, expired, or revoked"),
    "mailgun_disabled": Said(
        "mailgun", f.DATA, "421 Domain example.org is not allowed to send: Account disabled"),
    "mailgun_too_fast": Said("mailgun", f.DATA, "421 Domain example.org is not allowed to send: Sending too fast"),
    "gmail_daily": Said("gmail", f.DOT, "550 5.4.5 Daily user sending limit exceeded. gsmtp"),
    "gmail_daily_rcpt": Said("gmail", f.RCPT, "550 5.4.5 Daily user sending quota exceeded. gsmtp"),
    "gmail_logins": Said("gmail", f.AUTH, "454 4.7.0 Too many login attempts, please try again later. gsmtp"),
    "gmail_password": Said("gmail", f.AUTH, "535 5.7.8 Username and Password not accepted."),
    "gmail_starttls": Said("gmail", f.MAIL, "530 5.7.0 Must issue a STARTTLS command first. gsmtp"),
    "workspace_daily": Said("workspace-relay", f.RCPT, "550 5.7.1 Daily SMTP relay limit exceeded for customer. gsmtp"),
    "workspace_peak": Said(
        "workspace-relay", f.MAIL, "450 4.2.1 Peak SMTP relay limit exceeded for customer. gsmtp"),
    "workspace_denied": Said("workspace-relay", f.RCPT, "550 5.7.1 Invalid credentials for relay [192.0.2.1]. gsmtp"),
    "m365_threads": Said("m365", f.MAIL, "432 4.3.2 Concurrent connections limit exceeded."),
    "m365_quota": Said(
        "m365", f.DOT, "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; The message can't be "
        "submitted because the sender's submission quota was exceeded."),
    "m365_daily": Said("m365", f.RCPT, "550 5.1.90 Your message can't be sent because you've reached your daily limit "
                       "for message recipients"),
    "m365_mailbox_full": Said(
        "m365", f.DOT, "554 5.2.2 STOREDRV.Submission.Exception:QuotaExceededException; mailbox full"),
    "m365_tenant": Said("m365", f.RCPT, "550 5.7.64 TenantAttribution; Relay Access Denied"),
    "m365_not_authenticated": Said(
        "m365", f.MAIL, "530 5.7.57 Client was not authenticated to send anonymous mail during MAIL FROM"),
    "m365_basic": Said("m365", f.AUTH, "550 5.7.30 Basic authentication is not supported for Client Submission."),
    "zoho_unusual": Said("zoho", f.DOT, "550 5.4.6 Unusual sending activity detected. Please try after sometime"),
    "brevo_password": Said("brevo", f.AUTH, "454 4.7.0 Invalid password"),
    "brevo_address": Said("brevo", f.AUTH, "525 5.7.1 Unauthorized IP address"),
    "yandex_owner": Said("", f.MAIL, "553 5.7.1 Sender address rejected: not owned by auth user."),
    "postfix_owner": Said(
        "", f.RCPT, "553 5.7.1 <sender@example.org>: Sender address rejected: not owned by user account1"),
    "outmail_quota": Said(
        "", f.RCPT, "554 5.7.1 <rcpt@example.net>: Recipient address rejected: You have exceeded your outMail quota"),
    "policyd_quota": Said(
        "", f.RCPT, "450 4.7.1 <rcpt@example.net>: Recipient address rejected: Policy Rejection: quota exceeded"),
    "ionos_limit": Said(
        "", f.RCPT, "450-Requested mail action not taken: mailbox unavailable 450 Mail send limit exceeded.",
        r"450-Requested mail action not taken: mailbox unavailable\r\n450 Mail send limit exceeded."),
    "msndr_seconds": Said("", f.AUTH, "550 Too many messages. Try again in 37 seconds"),
    "godaddy_hour": Said("", f.DOT, "550 IB504 Too many messages this hour"),
}

# The recipient's mailbox is full behind every relay.
PUT_OFF_EVERYWHERE = {
    "mailbox_full": Said("", f.RCPT, "452 4.2.2 The recipient's mailbox is full"),
}

# The same stages and codes, and nothing but the message or the recipient in them: final, and no other relay is asked.
MESSAGES_OWN = {
    "user_unknown": Said("ses", f.RCPT, "550 5.1.1 <rcpt@example.net>: Recipient address rejected: User unknown"),
    "bad_mailbox": Said("m365", f.RCPT, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP "
                        "address lookup"),
    "suppressed": Said("postmark", f.RCPT, "550 5.1.1 Recipient is inactive and was suppressed"),
    "blacklisted": Said("ses", f.DOT, "554 5.7.1 Message rejected: Address blacklisted."),
    "spam": Said("", f.DOT, "554 5.7.1 Message rejected as spam by content filtering"),
    "bad_header": Said("gmail", f.DOT, "550 5.6.0 Message is missing a valid From header"),
}
