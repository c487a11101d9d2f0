// What the HTTPS interfaces of providers answer when they do not take a message, and what they mean by it. The columns:
// whose answer, HTTP's status, the provider's word, the words themselves, what they mean, until when, and how it is
// known; evidence as in provider_rows.cc.
//
// A row that says "size" or "content" returns mail where every relay says so, or at once; all others keep it waiting.
// A request may be refused for what we made of it, so an answer that no row knows is never final.
#include "verdict/answer_rules.h"
#include "verdict/row_words.h"

namespace relaypipe {
namespace {

using namespace rows;

// clang-format off
constexpr AnswerRow kRows[] = {
    // Amazon SES: neither Retry-After nor fields of a rate.
    {"ses", "4xx", "", "daily (message |sending )?quota|\\b(24.hour|maximum daily)\\b", kQuota, kSliding, "doc; the words are those of its SMTP interface"},
    {"ses", "4xx", "TooManyRequestsException ThrottlingException Throttling", "", kRate, kDefault, "doc; etailors_amazon_ses issue 117: Maximum sending rate exceeded"},
    {"ses", "4xx", "LimitExceededException", "", kQuota, kSliding, "doc"},
    {"ses", "4xx", "SendingPausedException AccountSuspendedException AccountSendingPausedException", "", kAccount, kDefault, "doc"},
    {"ses", "4xx", "MessageRejected MessageRejectedException", "sending (is )?(suspended|paused)|has been (paused|suspended|disabled)", kAccount, kDefault, "doc"},
    {"ses", "4xx", "", "email address(es)? (is|are) not verified", kSender, kDefault, "doc, boto3 issue 3873; of a sandbox also a recipient"},
    {"ses", "4xx", "MailFromDomainNotVerifiedException", "", kSender, kDefault, "doc"},
    {"ses", "4xx", "MessageRejected MessageRejectedException", "\\bvirus|infected|malware", kContent, kDefault, "doc"},
    {"ses", "4xx", "", "message (length|size) is more than|message is too (long|large|big)", kSize, kDefault, "code"},
    {"ses", "413", "RequestEntityTooLargeException", "", kSize, kDefault, "doc"},
    {"ses", "4xx", "", "recipient count exceeds", kTooMany, kDefault, "arooo issue 243"},
    {"ses", "4xx", "AccessDeniedException AccessDenied NotAuthorized", "\\bidentity/", kSender, kDefault, "code; the policy of the key names the identities it may use"},
    {"ses", "4xx", "AccessDeniedException AccessDenied NotAuthorized OptInRequired", "", kAccount, kDefault, "doc; what the key may do is changed at Amazon"},
    {"ses", "4xx", "RequestExpired", "", kAuth, kMinutes, "doc; our clock is more than 15 minutes wrong"},
    {"ses", "4xx", "InvalidSignatureException SignatureDoesNotMatch", "signature (expired|not yet current)", kAuth, kMinutes, "code; our clock is wrong"},
    {"ses", "4xx", "ExpiredTokenException ExpiredToken", "", kAuth, kMinute, "doc; who gave the temporary credentials gives new ones"},
    {"ses", "4xx", "InvalidSignatureException SignatureDoesNotMatch InvalidClientTokenId UnrecognizedClientException InvalidAccessKeyId IncompleteSignature IncompleteSignatureException MissingAuthenticationToken MissingAuthenticationTokenException", "", kAuth, kCredentials, "doc, code"},
    {"ses", "404", "NotFoundException", "", kMessage, kDefault, "doc; a configuration set that a field of the message names"},
    // Mailgun: a sentence; with a limit comes the time, as in mailgun-java issue 50.
    {"mailgun", "4xx", "", "is not allowed to send: .{0,100}(request limit exceeded|too fast)", kRate, kDefault, "doc, code"},
    {"mailgun", "4xx", "", "(recipient|bytes|message|sending|hourly|daily|monthly)s? limit (was |is |has been )?(exceeded|reached)|try again after", kQuota, kSliding, "mailgun-java issue 50, with status 420"},
    {"mailgun", "4xx", "", "is not allowed to send\\b|sandbox subdomains? (is|are) for test|\\b(account|domain)\\b.{0,40}\\b(disabled|suspended|not activated|inactive)\\b|please activate", kAccount, kDefault, "US-visa-appointment-notifier issue 5, laravel.ru issue 74"},
    {"mailgun", "403", "", "\\bip( address)?\\b", kPolicy, kDefault, "doc; the list of addresses that may use the key"},
    {"mailgun", "401 403", "", "", kAuth, kCredentials, "doc"},
    {"mailgun", "404", "", "", kAccount, kDefault, "doc; a domain of another account, or of the other region"},
    {"mailgun", "402", "", "", kAccount, kDefault, "doc"},
    // Microsoft Graph: codes of Exchange. Its ErrorInvalidRecipients passed when asked again (msgraph-sdk-dotnet issue 1891).
    {"graph", "", "ErrorSendAsDenied ErrorSendOnBehalfOfDenied", "", kSender, kDefault, "microsoft-graph-docs issue 4085"},
    {"graph", "", "ErrorExceededMessageLimit ErrorExceededMessageLimitShowTierUpgrade ErrorExceededMaxRecipientLimitBlock ErrorSubmissionQuotaExceeded", "", kQuota, kSliding, "code"},
    {"graph", "", "ErrorExceededMaxRecipientLimit ErrorExceededMaxRecipientLimitShowTierUpgrade", "", kQuota, kSliding, "code"},
    {"graph", "", "ErrorQuotaExceeded ErrorMessageSubmissionBlocked ErrorAccountSuspend ErrorAccountSuspendShowTierUpgrade", "", kAccount, kDefault, "microsoft-graph-docs issue 3935, code; the mailbox is full of what it sent, or blocked"},
    {"graph", "", "ErrorMessageBlocked", "", kContent, kDefault, "code; considered spam"},
    {"graph", "", "ErrorMessageSizeExceeded", "", kSize, kDefault, "doc"},
    {"graph", "", "MailboxNotEnabledForRESTAPI ErrorInvalidUser ErrorNonExistentMailbox ResourceNotFound Request_ResourceNotFound MailboxNotSupportedForRESTAPI", "", kAccount, kDefault, "microsoft-graph-docs issue 7580, code; the mailbox that sends"},
    {"graph", "", "ErrorAccessDenied Authorization_RequestDenied ErrorAccountDisabled", "", kAccount, kDefault, "doc, code; Mail.Send, or the policy that says which mailboxes"},
    {"graph", "", "ErrorMimeContentInvalidBase64String", "", kRelay, kDefault, "doc; what we made of the message"},
    {"graph", "", "ApplicationThrottled MailboxConcurrency TooManyRequests activityLimitReached ErrorTooManyObjectsOpened", "", kRate, kDefault, "doc; with Retry-After"},
    {"graph", "", "ErrorServerBusy ErrorMailboxStoreUnavailable ErrorInternalServerError ErrorInternalServerTransientError ErrorTimeoutExpired ErrorMailboxMoveInProgress", "", kNetwork, kDefault, "doc"},
    // Gmail: the same reason with 403 or 429, and the time in the words (gmail-tester issue 23).
    {"gmail", "403 429", "", "mail sending|daily (user )?sending|sending (limit|quota)", kQuota, kSliding, "doc; User-rate limit exceeded (Mail sending)"},
    {"gmail", "403 429", "dailyLimitExceeded quotaExceeded", "", kQuota, kSliding, "doc"},
    {"gmail", "403 429", "rateLimitExceeded userRateLimitExceeded RESOURCE_EXHAUSTED", "", kRate, kDefault, "doc, GAMADV-XTD3 issue 337, gmail-cleaner issue 5"},
    {"gmail", "403", "insufficientPermissions authError", "", kAuth, kCredentials, "doc; a token without gmail.send"},
    {"gmail", "403", "accessNotConfigured SERVICE_DISABLED domainPolicy forbidden PERMISSION_DENIED", "", kAccount, kDefault, "doc; the project, or the policy of the domain"},
    {"gmail", "400 403", "", "delegation denied|mail service not enabled", kAccount, kDefault, "issue"},
    {"gmail", "400 413", "uploadTooLarge", "", kSize, kDefault, "doc"},
    {"gmail", "400", "", "message (is )?too (large|big|long)|exceeds the maximum (upload|message)", kSize, kDefault, "code"},
    {"gmail", "401", "", "", kAuth, kCredentials, "doc"},

    // Everybody's.
    {"", "401", "", "", kAuth, kCredentials, "RFC 9110 15.5.2"},
    {"", "402", "", "", kAccount, kDefault, "RFC 9110 15.5.3: a bill"},
    {"", "413", "", "", kSize, kDefault, "RFC 9110 15.5.14"},
    {"", "420 429", "", "", kRate, kDefault, "RFC 6585 4; Mailgun says 420"},
    {"", "403 407 451", "", "", kPolicy, kDefault, "RFC 9110 15.5.4: we may not, whoever says so"},
    {"", "408 425", "", "", kNetwork, kDefault, "RFC 9110 15.5.9: the request did not come whole"},
    {"", "3xx 404 405 406 410 411 414 415 421 431", "", "", kRelay, kDefault, "RFC 9110: not the host, the path or the form; a redirect is not followed"},
    {"", "5xx", "", "", kNetwork, kDefault, "RFC 9110 15.6"},
    {"", "", "", "", kMessage, kDefault, "RFC 9110 15.5.1: what this request says, and nobody knows what of it"},
};
// clang-format on

}  // namespace

std::span<const AnswerRow> answer_rows() { return kRows; }

}  // namespace relaypipe
