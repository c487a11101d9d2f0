// What mail servers say when they refuse, whoever's they are, and what they mean by it; provider_rows.cc has the words
// of providers. The columns: whose words, where they hold, the stages, the code, the enhanced status, the words
// themselves, what they mean, until when, and how it is known.
//
// A refusal that no row knows is offered to the next relay, and final when every relay has refused it (the general rows
// at the end). A row that says "relay" keeps mail waiting where it is wrong, and one that says "message" or "recipient"
// returns mail where it is wrong, which is worse. So what speaks of us comes first, and whatever is in doubt has no
// row.
#include "verdict/reply_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "verdict/row_words.h"

namespace relaypipe {
namespace {

using namespace rows;

// clang-format off
constexpr ReplyRow kRows[] = {
    // Our account. "your account" is said to us, "account" alone of the recipient.
    {"", kAnywhere, "rcpt", "4xx 5xx", "", "recipient address rejected: .{0,60}(policy rejection.{0,5}quota exceeded|sending quota exceeded)", kQuota, kDefault, "simple-java-mail issue 348, gomail issue 174; policy services"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "\\byou('ve| have) (exceeded|reached|used up) (your|the) .{0,40}\\b(sending|outgoing|outbound|hourly|daily|monthly)\\b.{0,40}\\b(limit|quota|allowance)", kQuota, kDefault, "support.apple.com HT4863 and hosters"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "\\b(sender('?s)?|hourly|daily|monthly) ((sending|message|e?mail|recipient)s? )?(limit|quota) (has been |is |was )?(exceeded|reached)|exceeded .{0,30}\\b(number|maximum|max) .{0,20}(messages|e?mails)\\b.{0,20}\\b(per|in|this|today)\\b", kQuota, kDefault, "hosters"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "\\b(sending|outgoing|outbound|smtp|submission|relay) (e?mail )?(limit|quota|allowance)s?\\b.{0,40}\\b(exceed|reach|used up|exhaust)|\\bexceeded .{0,40}\\b(sending|outgoing|outbound|submission) (e?mail )?(limit|quota|allowance)", kQuota, kDefault, "hosters"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "\\b(out of|no more|not enough|insufficient|exceeded .{0,20}) (e?mail |sending )?(credits?|funds|balance)\\b|credits? (are |is |have been )?(exhausted|used up|expired)", kQuota, kDefault, "prepaid services"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "too many (messages|e?mails) (sent|this (hour|day|minute)|per (hour|day|minute)|in the last)", kRate, kDefault, "hosters"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "\\b(your|sender'?s) (e-?mail |smtp |mail |sending |user )?account\\b.{0,60}\\b(suspended|disabled|blocked|locked|paused|deactivated|restricted|terminated|expired|not (yet )?(activated|active|verified|approved)|under review|overdue)\\b", kAccount, kDefault, "hosters, Brevo"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "\\bsending (is |has been |was )?(suspended|paused|disabled|blocked|restricted)\\b|\\b(outgoing|outbound|sending|smtp)( of)? (e?mail|messages?|access|privileges)\\b.{0,40}\\b(has been |have been |is |are |was )?(suspended|disabled|blocked|restricted|revoked)|\\b(disabled|suspended|blocked|prohibited|restricted) (for|from) (sending|outgoing|relaying)\\b|\\b(subscription|licen[cs]e|trial|contract|plan)\\b.{0,20}\\b(has )?(expired|ended|been cancelled)", kAccount, kDefault, "hosters"},

    // The sender that our account may not use.
    {"", kAnywhere, "mail rcpt", "4xx 5xx", "", "sender address rejected: not (owned by|logged in)", kSender, kDefault, "Postfix reject_sender_login_mismatch"},
    {"", kAnywhere, kTransaction, "5xx", "", "sender address is not allowed|mail ?from (address )?must (equal|be (the )?same as) (the )?authori[sz](ed|ation) user|envelope sender mismatch with login|envolope sender mismatch|not local sender over smtp", kSender, kDefault, "GMX and web.de; NetEase; Tencent; Sina; Mail.ru"},
    {"", kAnywhere, kTransaction, "5xx", "", "^(?!.*\\b(recipient|spf|dkim|dmarc|callout|callback)\\b).*\\b(sender|from|mail from|envelope|return.path|domain|identity|address)\\b.{0,80}(\\bnot|n't) (yet )?(been )?(a )?(verified|confirmed|validated|authenticated|registered|(activated|configured) (for|to) send)", kSender, kDefault, "SendGrid, SMTP2GO, Mailjet, Elastic Email, Brevo"},
    {"", kAnywhere, kTransaction, "5xx", "", "does not match a verified sender|unverified (sender|from|domain)|unconfigured sending domain|no(t a)? (valid )?sender signature|sender signature .{0,40}not|is not a sender signature|validate your sender|sender .{0,60}not valid.{0,10}validate", kSender, kDefault, "SendGrid, SparkPost, Postmark, Brevo"},
    {"", kAnywhere, kTransaction, "5xx", "", "send ?as ?denied|not (allowed|permitted|authori[sz]ed) to (send|use|relay)\\b.{0,40}(\\b(as|on behalf of)\\b|\\b(from|using)\\b.{0,30}\\b(address|sender|domain|user|from|identity|header)\\b)|not one of your (addresses|aliases|identities)|(may|can|must) only (be )?(send|sent|use).{0,30}\\b(from|as)\\b|(from|sender)( header| address)? (must|has to|does not|doesn't|should) (match|belong|be the same|equal|correspond).{0,60}(account|user|login|authenticat|credential)", kSender, kDefault, "Exchange, Fastmail, Exim, hosters"},

    // Relaying: a matter of the recipient's domain at this relay, or of our not having said who we are.
    {"", kAnywhere, kTransaction, "5xx", "", "^(?!.*\\b(spf|dkim|dmarc)\\b).*(\\b(smtp )?auth(entication)? (is )?(required|needed)|log ?in (is )?required|(turn on|enable|use) (smtp )?auth|(?<!email )(?<!sender )(?<!message )authentication (failure|failed|error)|(must|need to|have to|should) (first )?(be )?(authenticated?|log ?in)\\b|please (authenticate|log ?in)|smtp[- ]?auth(entication)? (is )?(required|needed|must)|auth(entication)? (is )?mandatory|client (was|is) not authenticated|not (been )?authenticated|authenticate (yourself )?(first|before)|check (for )?(your |new )?mail (first|before)|pop ?3? (before|first)|unauthenticated (senders?|clients?|users?|mail|relay\\w*)\\b.{0,30}not (allowed|permitted|accepted)|(permissions?|rights?) to (submit|relay|send (through|via|anonymous)))", kAuth, kCredentials, "servers that say 550 for RFC 4954's 530"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "relay access denied|relaying .{0,60}(not (allowed|permitted)|denied|prohibited)|relay(ing)?( is)? (denied|not (permitted|allowed|possible)|prohibited|forbidden|disallowed|refused)|relay operation|(unable|refus\\w+|not (permitted|allowed|authori[sz]ed|configured)) to relay|(isn't|not) in my list of allowed rcpthosts|\\bwe do(n't| not) relay|no relaying|cannot deliver mail for|(can ?not|does not|won't|not) (accept|handle|take|receive)s? (e?mail |messages? )?for (this|that|the) (domain|host)|not (a )?(local|hosted|relay) (domain|here)|domain (is )?not (local|hosted|handled|served)|(unknown|invalid) (relay|recipient) (domain|host)\\b|recipient domain (is )?not|(user|recipient) not local", kRelaying, kDefault, "Postfix, Exim, Exchange, sendmail, qmail, Haraka, CommuniGate"},

    // Us: our address and its name in DNS, the name we say in EHLO.
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "client host .{0,100}(rejected|blocked)|unverified client host|client \\[.{0,60}\\] blocked|\\b(bad|banned|blocked|invalid|unauthori[sz]ed|rejected|unverif\\w+) (sender |sending |source )?ips?\\b|\\bip address (is )?(blocked|rejected|denied|banned|refused)|\\b(open (proxy|relay)|remotehost|host network|no access from|sending mta|sending spam|spammer|mismatches client|your isp)\\b|(confirm (this|your)|your) (mail )?server.{0,20}confirm|confirm this mail server|\\bfrom this (host|server|ip)\\b|\\b(your (ip|ip address|domain|server|host|hostname|mail server|mta|network|isp|provider|system|computer)|sender'?s? ip( address)?)\\b.{0,80}(blacklisted|blocklisted|\\bblocked|\\bbanned|denied|rejected|refused|not (allowed|accepted|welcome)|(listed (in|at|on|by))\\b)|(originating|sending|connecting|remote|source|client) (ip|host|server|mta|address|network)\\b.{0,60}(block|black|list|deny|denied|reject|banned|refus|reputation|abus)", kPolicy, kDefault, "Postfix reject_rbl_client, postscreen, Exchange Online, Outlook.com"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "\\b(helo|ehlo)\\b.{0,80}(reject|invalid|not (valid|accept|allowed|match|fully|a )|n't |does not|cannot|could not|mismatch|syntax|refused|forbidden|denied|blocked|bogus|forg|imperson|spoof|must|should|\\bis my|is (our|this)|fake|error|fail|required|requires|first|missing|local host)|(invalid|bad|unacceptable|malformed|missing|rejected|unknown|wrong|bogus|forged|illegal|no|polite people say) (.{0,20} )?(helo|ehlo)\\b|\\byour (helo|ehlo)\\b", kPolicy, kDefault, "Postfix, Exim, Haraka, sendmail"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "reverse[- ]?(dns|lookup|hostname|host|name|mapping|resolution|record)|\\brdns\\b|\\bptr\\b|in-addr|(find|resolve|look ?up) your (host|reverse|ip|address)|unresolvable|ip name (lookup|possibly)|(hostname|host name)\\b.{0,40}(not (found|match|resolve)|does not (match|resolve))|ip address .{0,40}(does not resolve|no (host ?)?name)|fix (your )?(reverse )?dns|no dns (record|entry) for (your|the) (ip|host)|not have (a )?dns", kPolicy, kDefault, "Postfix, sendmail, AOL, Comcast, GMX"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "^(?!.*\\b(url|uri|link|body|content|contains|surbl|uribl|sender address|recipient address|helo)\\b).*(blocked using|block ?list|black ?list|deny ?list|dnsbl|\\brbl\\b|spamhaus|spamcop|barracuda|sorbs|uceprotect|invaluement|mailspike|senderscore|senderbase|cloudmark\\.com|spamrats|trend ?micro|abuseat|listed (at|in|on|by) .{0,40}\\.(org|net|com|de))", kPolicy, kDefault, "lists of addresses, DNSBL and others"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "\\b(poor|low|bad|negative|neutral|ip|sender|sending|server|host|mta'?s?)\\b.{0,40}\\breputation|reputation\\b.{0,40}\\b(ip|host|server|mta)|unusual rate of unsolicited|(your )?access to (this|submit)\\b.{0,60}(denied|rejected|refused)", kPolicy, kDefault, "Cisco, Gmail, Outlook.com, Symantec, Proofpoint"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "\\byou(r host| have been| are|'re)\\b (currently |temporarily |permanently )?(been )?(not (allowed|permitted|welcome|authori[sz]ed) to (connect|send (e?mail|messages?)( to (us|this (server|system|host|site)|our\\b.{0,20}))?$|(send|deliver|relay) .{0,20}from (this|your) (ip|host|server|network|address)|use (this|our))|blocked|banned|blacklisted|blocklisted|blackholed|listed)|dynamic(ally assigned)? ip|dial-?up|residential|(no|not) (currently )?(accept|take)\\w* (e?mail|messages?|connections?) from (your|this|dynamic|residential)|forbidden by (your|invalid)", kPolicy, kDefault, "Exim, sendmail, Orange, T-Online"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "rate[- ]?limit(ed|ing)?\\b|throttl(ed|ing)|too many (concurrent |simultaneous |open )?(connections|sessions)|too many (bad|invalid|unknown|failed|errors|protocol) ?(recipients|users|commands|attempts|rcpts?|errors)?|mail flood|frequency limit|sending (too )?(fast|quickly|rapidly|many)|(connection|sending|message) rate\\b", kRate, kDefault, "Postfix anvil, Exim, Exchange, Yahoo"},
    {"", kAnywhere, kTransaction, "452 5xx", "", "too many recipients", kTooMany, kDefault, "RFC 5321 4.5.3.1.10, sisimai; fewer in one transaction pass"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "x.5.3", "", kTooMany, kDefault, "RFC 3463"},

    // The size.
    {"", kAnywhere, "rcpt", "5xx", "5.2.3", "", kRecipientSize, kDefault, "RFC 3463: larger than this mailbox takes"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "x.3.4 x.7.16", "", kSize, kDefault, "RFC 3463, RFC 1870, RFC 6710"},
    {"", kAnywhere, "mail", "552", "", "", kSize, kDefault, "RFC 1870 6.1: nothing else was told yet"},
    {"", kAnywhere, kTransaction, "55x", "", "message (size )?(is )?too (big|large)|message size exceeds|message file too big|exceeds .{0,40}(message size|size limit)|(maximum|fixed|max) message size|message (length|size) exceeds|exceeds (the )?(maximum|fixed|size)|too much (mail )?data", kSize, kDefault, "Postfix, Exim, sendmail, OpenSMTPD, qmail"},

    // Registered statuses of the relay, of us, or of the way to the recipient: without words.
    {"", kAnywhere, kTransaction, "530 534 535 538", "5.x.x", "", kAuth, kCredentials, "RFC 4954 6, RFC 3207 4: whatever status stands beside it"},
    {"", kAnywhere, kTransaction, "500 502 503 521 555", "5.1.x 5.2.x", "", kPolicy, kDefault, "RFC 5321 4.2.2: the session, whatever status stands beside it"},
    {"", kAnywhere, kTransaction, "554", "5.7.9", "policy reasons", kUnknown, kDefault, "Yahoo, whose 5.7.9 is not that of RFC 4954"},
    {"", kAnywhere, kTransaction, "5xx", "5.7.8 5.7.9 5.7.12 5.7.14", "", kAuth, kCredentials, "RFC 4954, RFC 5248, RFC 3463"},
    {"", kAnywhere, kTransaction, "5xx", "5.7.10 5.7.11", "", kTls, kDefault, "RFC 5248, RFC 4954"},
    {"", kAnywhere, kTransaction, "5xx", "5.7.13", "", kAccount, kDefault, "RFC 5248: a disabled account of the one who authenticates"},
    {"", kAnywhere, kTransaction, "5xx", "5.7.25", "", kPolicy, kDefault, "RFC 7372: our reverse DNS"},
    {"", kAnywhere, kTransaction, "5xx", "5.7.28", "", kRate, kDefault, "IANA: mail flood detected"},
    {"", kAnywhere, kTransaction, "5xx", "5.3.1 5.3.2 5.3.5", "", kNetwork, kDefault, "RFC 3463: the system is full, takes no mail, is configured wrong"},
    {"", kAnywhere, kTransaction, "5xx", "5.1.7 5.1.8 5.7.23 5.7.24 5.7.27", "", kSenderRefused, kDefault, "RFC 3463, RFC 7372, RFC 7505: the address or the policy of the sender"},
    {"", kAnywhere, kTransaction, "4xx", "4.1.7 4.1.8", "", kMessage, kDefault, "RFC 3463"},
    {"", kAnywhere, kAfterMail, "5xx", "5.6.7 5.6.8 5.6.9 5.6.1 5.6.2 5.6.3 5.6.4 5.3.3 5.7.2 5.7.15", "", kUnknown, kDefault, "RFC 3463, RFC 6531, RFC 6710: what this relay cannot do, another one may"},

    // Recipients named by a registered status. MAIL is never about one.
    {"", kAnywhere, "rcpt end_of_data", "4xx 5xx", "x.2.2", "", kMailbox, kDefault, "RFC 3463: mailbox full"},
    {"", kAnywhere, kAfterMail, "55x", "5.1.1 5.1.6 5.1.10 5.2.1", "", kMailbox, kDefault, "RFC 3463, RFC 7505"},
    {"", kAnywhere, kAfterMail, "5xx", "5.1.0", "sender", kSenderRefused, kDefault, "Cisco, sendmail; the status is that of any address"},
    {"", kAnywhere, kAfterMail, "5xx", "5.1.x 5.2.x 5.7.17 5.7.18", "", kRecipient, kDefault, "RFC 3463, RFC 7293"},

    // The sender in words.
    {"", kAnywhere, "rcpt", "4xx", "", "sender address rejected|sender verify failed", kMessage, kDefault, "Postfix, Exim"},
    {"", kAnywhere, kTransaction, "5xx", "", "sender (e-?mail )?address (\\S+ )?(rejected|blocked)|sender verify failed|sender (is )?(rejected|denied|refused|unknown|blocked|banned|not allowed)|(bad|invalid|unknown|forged|unacceptable|rejected|malformed|unroutable|unrouteable) (sender|return.path|envelope from|from address)|(sender|return.path|envelope from|mail from|reverse.path)\\b.{0,80}\\b(does not (exist|resolve)|not (found|exist|resolv\\w*|valid)|cannot be (verified|resolved)|no valid|could not|invalid|unverif\\w*|blacklist\\w*)|domain of sender|(required|needed) for sender|sender address must|\\bspf\\b|openspf|sender policy", kSenderRefused, kDefault, "Postfix, Exim, sendmail, pypolicyd-spf"},

    // The recipient in words. The cause; whether for good is the code's.
    {"", kAnywhere, "rcpt", "4xx", "", "gr[ea]y-?list", kRecipient, kDefault, "postgrey, Exim, rspamd"},
    {"", kAnywhere, "rcpt end_of_data", "4xx 5xx", "", "(mailbox|user|recipient|inbox)\\b.{0,40}(is (almost )?full|over quota|quota exceeded|exceeded .{0,20}quota|size limit|out of storage)|\\bover (disk )?quota|mailbox full|mail ?box (size )?(is )?exceeded", kMailbox, kDefault, "Dovecot, Exim, Exchange, qmail"},
    {"", kAnywhere, kAfterMail, "5xx", "", "user unknown|unknown (user|recipient|mailbox|local[- ]part|address)\\b|no such (user|recipient|mailbox|address|person|local user|account)|no (mailbox|user|recipient|account) (here )?(by|with|of) (that|this) name|no(body| one) at this address|not an active address|account \\S+ (does not|doesn't) exist|unrouteable address|unroutable address|(recipient|rcpt) verify failed|(?<!sender )\\b(user|mailbox|recipient|this account|account that you tried to reach)\\b.{0,60}(not found|(does not|doesn't|do not) exist|is (unknown|disabled|inactive|unavailable|invalid|not (known|valid))|\\bunknown$|no longer (exists|valid|available|active|on)|(has been|was|temporarily) (disabled|deactivated|closed|suspended))|(?<!ip )(?<!sender )(?<!from )\\baddress\\b.{0,60}((does not|doesn't) exist|not (be )?(found|present)|no longer (accepts|valid|in use)|unknown\\b)|(invalid|nonexistent|non-existent|undeliverable|disabled) (recipient|mailbox|user|destination)\\b|recipient address rejected: (access denied|undeliverable|unverified|need fully|malformed|domain not found|address|user|mailbox)|recipient (address )?(rejected|invalid|unknown)[.!]?$|not a (known|valid) (user|recipient|mailbox)|(doesn't|does not) have an? .{0,40}(account|mailbox)|mailbox unavailable(\\.|$| \\(| \\[)|mailbox not (found|available)|unable to find (the )?(recipient|user|mailbox)|mailing list expansion|#5\\.(1\\.[0-6]|2\\.[0-4])\\b", kMailbox, kDefault, "Postfix, Exim, OpenSMTPD, Exchange, qmail, Gmail, Yahoo, Outlook.com"},

    // The content: said once it was seen; but not where what looks at it is out of order.
    {"", kAnywhere, kAfterMail, "5xx", "", "\\b(scanner|scan|filter|milter|policy (service|server))\\b.{0,30}\\b(failure|failed|error|unavailable|down|timed? ?out|not available|unreachable)|(cannot|unable to|failed to|could not) (connect|reach|open|write|create)", kNetwork, kDefault, "amavis, milters, policy services"},
    {"", kAnywhere, kWithContent, "5xx", "", "\\bspam(my|assassin)?\\b|junk ?mail|unsolicited|\\bvirus|infected|malware|phishing|trojan|eicar|(rejected|blocked|refused) (due to|because of|for|by) (its |the |message )?(content|body)|content (was )?(rejected|blocked|denied|refused|filter)|\\bbanned: |(banned|blocked|prohibited|dangerous|forbidden|suspicious|illegal) (file|attachment|extension|content)|attachments?\\b.{0,60}(not (allowed|permitted)|reject|block|prohibit|banned)|\\b(urls?|uris?|links?|surbl|uribl)\\b.{0,80}(list|black|block|malicious|reject|spam|surbl|uribl)|potential security (issue|threat)|message (body|content).{0,40}(reject|block|denied)", kContent, kDefault, "Gmail, rspamd, SpamAssassin, ClamAV, amavis, Exchange"},
    {"", kAnywhere, kWithContent, "5xx", "", "too many hops|hop count|mail(ing)? loop|loop detected|too many .?received|(message|header|body|mime)\\b.{0,40}\\b(malformed|invalid|not (rfc|conform|compl)|unparse?able|syntax|missing|duplicate)|(missing|invalid|multiple|duplicate|more than one|no valid) .{0,20}(header|message-id|\\bdate\\b|\\bfrom:)|not (rfc ?\\d* )?compliant|non-compliant|bare <?(lf|cr)|line (is )?too long|message (has )?(a )?lines? .{0,20}too long", kMessage, kDefault, "Postfix, Exim, sendmail, Haraka, Gmail"},
    {"", kAnywhere, kAfterMail, "5xx", "5.6.x 5.4.6", "", kMessage, kDefault, "RFC 3463: the form of the content; a loop"},

    // Last what is less sure: an address beside a word of refusal, system trouble, statuses that say little.
    {"", kAnywhere, kTransaction, "5xx", "", "(\\b\\d{1,3}(\\.\\d{1,3}){3}\\b|\\bipv6:|\\b[0-9a-f]{1,4}(:[0-9a-f]{0,4}){3,7}\\b|\\b[0-9a-f]{1,4}::[0-9a-f]).{0,100}(block|blacklist|denied|deny|reject|banned|refused|not (allowed|accepted|permitted|welcome)|reputation|abuse|listed|spam|prohibited|policy|deferred)|(block|blacklist|denied|deny|reject|banned|refuse|not (allow|accept|permit)|abuse|listed|spam|prohibit|policy).{0,100}(\\b\\d{1,3}(\\.\\d{1,3}){3}\\b|\\bipv6:)", kPolicy, kDefault, "words about an IP address: ours"},
    {"", kAnywhere, kTransaction, "5xx", "", "insufficient (system )?(storage|resources|disk|memory)|out of (disk|memory|space|resources)|disk (is )?full|service (is )?disabled|not (currently )?accepting (e?mail|messages|connections)|dns (failure|error)|(system|server|service|host) (is )?(currently |temporarily )?(not accepting|overloaded|too busy|busy|down|unavailable|not available|shutting down|full|out of)|(local|internal|server|system|temporary|configuration|database|lookup|queue file write|queue) (server |system |local |lookup |configuration |database )?(error|failure|problem)|try (it )?again|try later|(please|to) retry|temporar(ily|y) (unavailable|deferred|rejected|not available)|timed? ?out|cannot (open|create|write)|no space left|out of memory", kNetwork, kDefault, "system trouble said as 5yz"},
    {"", kAnywhere, kTransaction, "5xx", "5.3.0", "", kNetwork, kDefault, "RFC 3463"},
    {"", kAnywhere, "rcpt data content end_of_data", "5xx", "5.4.0 5.4.1 5.4.2 5.4.3 5.4.5 5.4.7", "", kRoute, kDefault, "RFC 3463: the way from the relay to the recipient"},
    {"", kAnywhere, kTransaction, "5xx", "5.5.0 5.5.1 5.5.2 5.5.4 5.5.5 5.5.6", "", kRelay, kDefault, "RFC 3463, RFC 5248, RFC 4954: how we speak with it"},

    // The general rules of the design, section 8.
    {"", kAnywhere, "", "421", "", "", kNetwork, kDefault, "RFC 5321 4.2.3: the service goes away"},
    {"", kAnywhere, "greeting ehlo", "5xx", "", "", kPolicy, kDefault, "RFC 5321 3.1: it refuses to talk to us"},
    {"", kAnywhere, "auth", "5xx", "", "", kAuth, kCredentials, "RFC 4954"},
    {"", kAnywhere, "starttls", "4xx 5xx", "", "", kTls, kDefault, "RFC 3207"},
    {"", kAnywhere, "resolve connect greeting ehlo tls auth", "4xx 5xx", "", "", kNetwork, kDefault, "nothing before MAIL speaks of the message"},
    {"", kAnywhere, "", "530 534 535 538", "", "", kAuth, kCredentials, "RFC 4954 6, RFC 3207 4: it wants us to authenticate or to encrypt"},
    {"", kAnywhere, "", "500 502 503 504 521 555", "", "", kPolicy, kDefault, "RFC 5321 4.2.2, RFC 7504: it does not speak as we do, or takes no mail"},
    {"", kAnywhere, "rcpt", "556", "", "", kRecipient, kDefault, "RFC 7504: the recipient's domain takes no mail"},
    {"", kAnywhere, "rcpt", "4xx", "", "", kRecipient, kDefault, "RFC 5321 3.3"},
    {"", kAnywhere, "mail", "5xx", "", "", kSenderRefused, kDefault, "RFC 5321 3.3: the sender, at this relay"},
    {"", kAnywhere, kAfterMail, "5xx", "", "", kUnknown, kDefault, "it names neither the recipient nor the message"},
    {"", kAnywhere, "", "4xx 5xx", "", "", kMessage, kDefault, "RFC 5321 3.3"},
};
// clang-format on

}  // namespace

std::span<const ReplyRow> server_rows() { return kRows; }

bool belongs_to(const ReplyRow& row, std::string_view provider) {
  for (std::string_view rest = row.provider; !rest.empty() && !provider.empty();) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    if (word == provider) return true;
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  }
  return false;
}

std::string row_text(const ReplyRow& row) {
  std::string text = is_general(row) ? "general rule" : "table";
  if (!row.provider.empty()) text += fmt::format(", {}", row.provider);
  if (!row.stages.empty()) text += fmt::format(", stage {}", row.stages);
  text += fmt::format(", code {}", row.code);
  if (!row.status.empty()) text += fmt::format(", status {}", row.status);
  if (!row.match.empty()) text += fmt::format(", /{}/", row.match);
  return text + fmt::format(" ({})", row.evidence);
}

}  // namespace relaypipe
