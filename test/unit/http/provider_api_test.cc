#include "http/provider_api.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/base64.h"
#include "catch.h"
#include "fake/fake_world.h"
#include "io/base/json_reader.h"
#include "io/system/sha_digest.h"
#include "relay/provider.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;
using Why = ApiUnsupported::Why;

// 2015-08-30T12:36:00Z
constexpr WallTime kNow{std::chrono::seconds(1440938160)};

struct Message {
  Envelope envelope;
  ContentFacts content;
  HeaderRecipients header;
  HttpsSettings settings{"eu-west-1", "mg.example.com", "alerts@example.com"};

  explicit Message(const std::vector<std::string>& recipients = {"a@x.example"},
                   const std::string& sender = "s@x.example") {
    envelope.sender = *parse_sender(sender);
    for (const std::string& recipient : recipients)
      envelope.recipients.push_back(*parse_address(recipient));
    content.size = 100;
  }
  [[nodiscard]] ApiInput input() const { return {envelope, content, header, settings, "BOUNDARY"}; }
};

const ProviderApi& api_of(std::string_view name) {
  const ProviderApi* const api = find_provider_api(name);
  REQUIRE(api != nullptr);
  return *api;
}

std::string request_text(const HttpRequest& request) {
  std::string text = request.method + " " + request.target;
  for (const HttpField& field : request.fields)
    text += " [" + field.name + ": " + field.value + "]";
  text += " " + request.before;
  if (request.message) text += request.message->coding == BodyCoding::Base64 ? "<base64>" : "<message>";
  return text + request.after;
}

Credentials credentials(const std::string& username, std::string secret, std::string token = "") {
  Credentials made;
  made.username = username;
  made.secret = Secret(secret);
  made.session_token = Secret(token);
  return made;
}

TEST_CASE("the requests that carry a message") {
  const Message two({"a@x.example", "\"b,c\"@x.example"});
  CHECK(request_text(api_of("ses").send(two.input())) ==
        R"(POST /v2/email/outbound-emails [Content-Type: application/json] )"
        R"({"Destination":{"ToAddresses":["a@x.example","\"b,c\"@x.example"]},)"
        R"("FeedbackForwardingEmailAddress":"s@x.example","Content":{"Raw":{"Data":"<base64>"}}})");
  CHECK(request_text(api_of("mailgun").send(two.input())) ==
        "POST /v3/mg.example.com/messages.mime [Content-Type: multipart/form-data; boundary=BOUNDARY] "
        "--BOUNDARY\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\na@x.example\r\n"
        "--BOUNDARY\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\n\"b,c\"@x.example\r\n"
        "--BOUNDARY\r\nContent-Disposition: form-data; name=\"message\"; filename=\"message.mime\"\r\n"
        "Content-Type: application/octet-stream\r\n\r\n<message>\r\n--BOUNDARY--\r\n");
  CHECK(request_text(api_of("graph").send(two.input())) ==
        "POST /v1.0/users/alerts%40example.com/sendMail [Content-Type: text/plain] <base64>");
  CHECK(request_text(api_of("gmail").send(two.input())) ==
        "POST /upload/gmail/v1/users/me/messages/send?uploadType=media [Content-Type: message/rfc822] <message>");
  for (const std::string_view name : {"graph", "gmail"})
    CHECK(api_of(name).send(two.input()).message->bcc_field == "Bcc: a@x.example,\r\n \"b,c\"@x.example\r\n");
  for (const std::string_view name : {"ses", "mailgun"})
    CHECK(api_of(name).send(two.input()).message->bcc_field.empty());
}

TEST_CASE("SES is told of no sender where there is none") {
  const Message null({"a@x.example"}, "<>");
  CHECK(api_of("ses").send(null.input()).before ==
        R"({"Destination":{"ToAddresses":["a@x.example"]},"Content":{"Raw":{"Data":")");
}

TEST_CASE("the requests that send nothing") {
  const HttpsSettings settings{"eu-west-1", "mg.example.com", "alerts@example.com"};
  CHECK(request_text(api_of("ses").ask(settings)) == "GET /v2/email/account ");
  CHECK(request_text(api_of("mailgun").ask(settings)) == "GET /v3/domains/mg.example.com ");
  CHECK(request_text(api_of("graph").ask(settings)) == "GET /v1.0/users/alerts%40example.com?$select=mail ");
  CHECK(request_text(api_of("gmail").ask(settings)) == "GET /gmail/v1/users/me/profile ");
}

TEST_CASE("hosts") {
  CHECK(api_host(api_of("ses"), {"eu-west-1", "", ""}) == "email.eu-west-1.amazonaws.com");
  CHECK(api_host(api_of("ses"), {}).empty());
  CHECK(api_host(api_of("graph"), {}) == "graph.microsoft.com");
  struct Row {
    std::string host;
    std::string provider;
    std::string region;
  };
  const Row row = GENERATE(values<Row>({
      {"email.eu-west-1.amazonaws.com", "ses", "eu-west-1"},
      {"email-fips.us-east-1.amazonaws.com", "ses", "us-east-1"},
      {"email..amazonaws.com", "", ""},
      {"email.a.b.amazonaws.com", "", ""},
      {"email-smtp.eu-west-1.amazonaws.com", "", ""},
      {"api.mailgun.net", "mailgun", ""},
      {"api.eu.mailgun.net", "mailgun", ""},
      {"graph.microsoft.com", "graph", ""},
      {"graph.microsoft.us", "graph", ""},
      {"gmail.googleapis.com", "gmail", ""},
      {"localhost", "", ""},
  }));
  const RecognisedApi recognised = recognise_api(row.host);
  INFO(row.host);
  CHECK((recognised.api == nullptr ? "" : recognised.api->provider) == row.provider);
  CHECK(recognised.region == row.region);
}

TEST_CASE("every interface is a provider's, and says what it needs") {
  for (const ProviderApi& api : provider_apis()) {
    INFO(api.provider);
    CHECK(find_provider(api.provider) != nullptr);
    CHECK(find_provider_api(api.provider) == &api);
    CHECK((api.needs.empty() || api.needs == "region" || api.needs == "domain" || api.needs == "mailbox"));
    CHECK(api.source.starts_with("https://"));
    CHECK(api.max_recipients >= 50);
    CHECK(api.max_size > 1000000);
  }
  CHECK(find_provider_api("brevo") == nullptr);
}

TEST_CASE("messages that cannot go") {
  const auto why = [](std::string_view name, const Message& message) {
    const auto found = find_unsupported(api_of(name), message.input());
    return found ? std::optional(found->why) : std::nullopt;
  };
  const Message null({"a@x.example"}, "<>");
  CHECK(why("ses", null) == std::nullopt);
  CHECK(why("mailgun", null) == std::nullopt);
  CHECK(why("graph", null) == Why::NullSender);
  CHECK(why("gmail", null) == Why::NullSender);

  const Message international({"\u00e9@x.example"});
  for (const ProviderApi& api : provider_apis())
    CHECK(why(api.provider, international) == Why::NotAscii);

  std::vector<std::string> many;
  for (int i = 0; i < 51; ++i)
    many.push_back("r" + std::to_string(i) + "@x.example");
  CHECK(why("ses", Message(many)) == Why::TooManyRecipients);
  CHECK(why("mailgun", Message(many)) == std::nullopt);
  CHECK(find_unsupported(api_of("ses"), Message(many).input())->text ==
        "51 recipients, and 50 at most go at once; a recipient_limit of that many helps");

  Message other;
  other.header.addresses = {*parse_address("a@x.example"), *parse_address("bob@x.example")};
  CHECK(why("ses", other) == std::nullopt);
  CHECK(why("graph", other) == Why::OtherRecipients);
  CHECK(find_unsupported(api_of("gmail"), other.input())->text ==
        "its header names bob@x.example, who is not a recipient of this delivery and would get it as well; a larger "
        "recipient_limit keeps the recipients of a message together");
  Message unclear;
  unclear.header.problem = "its to field has no end";
  CHECK(why("mailgun", unclear) == std::nullopt);
  CHECK(find_unsupported(api_of("graph"), unclear.input())->text ==
        "its to field has no end, and it goes to whom the header names");
}

TEST_CASE("sizes count as they are coded") {
  struct Row {
    std::string provider;
    std::uint64_t most;
  };
  const Row row =
      GENERATE(values<Row>({{"ses", 31457280}, {"mailgun", 26214400}, {"graph", 3145728}, {"gmail", 36700160}}));
  Message message;
  message.content.size = row.most;
  INFO(row.provider);
  CHECK_FALSE(find_unsupported(api_of(row.provider), message.input()));
  message.content.size = row.most + 3;
  const auto unsupported = find_unsupported(api_of(row.provider), message.input());
  REQUIRE(unsupported);
  CHECK(unsupported->why == Why::TooBig);
  CHECK(unsupported->limit == row.most);
  CHECK(unsupported->size == row.most + 3);
}

std::string head_of(std::string_view name, const Credentials& sent,
                    std::string_view content = "Subject: x\r\n\r\nb\r\n") {
  fake::FakeMessage message;
  message.arrives(content);
  message.ends();
  const Message described;
  const ProviderApi& api = api_of(name);
  const HttpRequest request = make_send_request(api, described.input());
  RequestBody body(request, &message);
  const auto head = make_head(api, request, body, {"host.example", sent, described.settings, kNow, make_sha256});
  REQUIRE(head);
  CHECK(body.taken() == 0);
  return std::string(head->reveal());
}

TEST_CASE("who asks") {
  CHECK(head_of("mailgun", credentials("", "key-1")).find("\r\nAuthorization: Basic " + base64("api:key-1") + "\r\n") !=
        std::string::npos);
  CHECK(head_of("mailgun", credentials("u", "p")).find("\r\nAuthorization: Basic " + base64("u:p") + "\r\n") !=
        std::string::npos);
  for (const std::string_view name : {"graph", "gmail"})
    CHECK(head_of(name, credentials("u", "tok")).find("\r\nAuthorization: Bearer tok\r\n") != std::string::npos);
  const std::string head = head_of("ses", credentials("AKID", "secret", "session"));
  // Computed by an implementation of the algorithm in another language over the same request.
  CHECK(head ==
        "POST /v2/email/outbound-emails HTTP/1.1\r\nHost: host.example\r\nUser-Agent: relaypipe\r\nAccept: */*\r\n"
        "Content-Type: application/json\r\nContent-Length: 148\r\n"
        "X-Amz-Content-Sha256: 2069853e8781197a1c18eed47f65f0ba40afb1ea1d92dc4c240e67aa760c7739\r\nX-Amz-Date: "
        "20150830T123600Z\r\nX-Amz-Security-Token: session\r\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=AKID/20150830/eu-west-1/ses/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token, "
        "Signature=611cc086babdb73515cc813e588d19568797e64b454163d284bedbd64d6b8ed2\r\n\r\n");
}

TEST_CASE("a message that cannot be read back is not signed") {
  fake::FakeMessage message;
  message.arrives("Subject: x\r\n\r\nb\r\n");
  message.ends();
  message.unreadable_from(3);
  const Message described;
  const HttpRequest request = make_send_request(api_of("ses"), described.input());
  RequestBody body(request, &message);
  const Credentials sent = credentials("AKID", "secret");
  CHECK_FALSE(make_head(api_of("ses"), request, body, {"h", sent, described.settings, kNow, make_sha256}));
}

HttpAnswer answer(int status, std::vector<HttpField> fields, std::string body) {
  return {status, "Reason", std::move(fields), std::move(body), true};
}

std::string in_words(const ApiOutcome& outcome) {
  if (const auto* const accepted = std::get_if<ApiAccepted>(&outcome))
    return "accepted " + std::to_string(accepted->status) + " " + accepted->words;
  if (const auto* const refusal = std::get_if<ApiRefusal>(&outcome)) {
    std::string text = "refused " + refusal->text();
    if (refusal->wait)
      text += " wait " + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(*refusal->wait).count());
    return text;
  }
  return "unknown " + std::get<ApiUnknown>(outcome).what;
}

TEST_CASE("what answers mean for the message") {
  struct Row {
    std::string provider;
    HttpAnswer answer;
    std::string outcome;
  };
  const Row row = GENERATE(values<Row>({
      {"ses", answer(200, {}, R"({"MessageId":"0102-3"})"), "accepted 200 MessageId 0102-3"},
      {"ses", answer(200, {}, R"({"MessageId":""})"), "unknown 200 Reason, which is no receipt"},
      {"ses", answer(202, {}, R"({"MessageId":"1"})"), "unknown 202 Reason, which is no receipt"},
      {"ses", answer(200, {}, "<html>"), "unknown 200 Reason, which is no receipt"},
      {"ses",
       answer(429, {{"x-amzn-errortype", "TooManyRequestsException:http://internal/x"}},
              R"({"message":"Maximum sending rate exceeded."})"),
       "refused 429 TooManyRequestsException: Maximum sending rate exceeded."},
      {"ses", answer(400, {}, R"({"__type":"com.amazonaws.ses#BadRequestException","Message":"no"})"),
       "refused 400 BadRequestException: no"},
      {"ses",
       answer(403, {{"x-amzn-errortype", "InvalidSignatureException"}},
              R"({"message":"It does not match.\n\nThe Canonical String for this request should have been\n'POST"})"),
       "refused 403 InvalidSignatureException: It does not match."},
      {"ses", answer(403, {}, R"({"message":"You sent secret-key and session-token, or YXBpOnNlY3JldC1rZXk="})"),
       "refused 403 You sent ******** and ********, or ********"},
      {"mailgun", answer(200, {}, R"({"id":"<1@mg.example.com>","message":"Queued. Thank you."})"),
       "accepted 200 id <1@mg.example.com>"},
      {"mailgun", answer(401, {}, "Forbidden"), "refused 401 Forbidden"},
      {"mailgun", answer(502, {}, "<html>Bad gateway</html>"), "refused 502 Reason"},
      {"mailgun",
       answer(
           420, {},
           R"({"message":"Domain x is not allowed to send: recipient limit exceeded, try again after Sun, 30 Aug 2015 12:46:00 GMT"})"),
       "refused 420 Domain x is not allowed to send: recipient limit exceeded, try again after Sun, 30 Aug 2015 "
       "12:46:00 GMT wait 600"},
      {"graph", answer(202, {{"request-id", "a-b"}}, ""), "accepted 202 request-id a-b"},
      {"graph", answer(202, {}, ""), "accepted 202 Accepted"},
      {"graph", answer(200, {}, ""), "unknown 200 Reason, which is no receipt"},
      {"graph",
       answer(429, {{"retry-after", "12"}}, R"({"error":{"code":"ApplicationThrottled","message":"Slow down."}})"),
       "refused 429 ApplicationThrottled: Slow down. wait 12"},
      {"graph", answer(504, {}, R"({"error":{"code":"UnknownError","message":""}})"), "unknown 504 UnknownError"},
      {"graph", answer(307, {{"location", "https://elsewhere/"}}, ""), "refused 307 Reason"},
      {"gmail", answer(200, {}, R"({"id":"18f","threadId":"18f"})"), "accepted 200 id 18f"},
      {"gmail", answer(200, {}, R"({"error":{"code":500}})"), "unknown 200 Reason, which is no receipt"},
      {"gmail",
       answer(
           403, {},
           R"({"error":{"code":403,"message":"User-rate limit exceeded.  Retry after 2015-08-30T12:37:00.000Z","errors":[{"reason":"rateLimitExceeded"}],"status":"PERMISSION_DENIED"}})"),
       "refused 403 rateLimitExceeded: User-rate limit exceeded.  Retry after 2015-08-30T12:37:00.000Z wait 60"},
      {"gmail", answer(429, {}, R"({"error":{"status":"RESOURCE_EXHAUSTED","message":"Quota"}})"),
       "refused 429 RESOURCE_EXHAUSTED: Quota"},
  }));
  const Credentials sent = credentials("", "secret-key", "session-token");
  INFO(row.provider);
  CHECK(in_words(read_outcome(api_of(row.provider), row.answer, {sent, kNow, read_json})) == row.outcome);
}

TEST_CASE("what is found out without sending") {
  struct Row {
    std::string provider;
    HttpAnswer answer;
    std::string outcome;
  };
  const Row row = GENERATE(values<Row>({
      {"ses",
       answer(
           200, {},
           R"({"SendingEnabled":true,"ProductionAccessEnabled":true,"SendQuota":{"Max24HourSend":50000.0,"MaxSendRate":14.0,"SentLast24Hours":12.0}})"),
       "yes send 200; 12.0 of 50000.0 messages sent in 24 hours, 14.0 per second"},
      {"ses",
       answer(
           200, {},
           R"({"SendingEnabled":false,"ProductionAccessEnabled":false,"SendQuota":{"Max24HourSend":200,"MaxSendRate":1,"SentLast24Hours":0}})"),
       "yes - 200; 0 of 200 messages sent in 24 hours, 1 per second; sending is disabled for this account; in the "
       "sandbox: only to verified addresses"},
      {"ses", answer(403, {{"x-amzn-errortype", "AccessDeniedException"}}, R"({"message":"no"})"),
       "yes send 403 AccessDeniedException: no; the key may not read the account (ses:GetAccount), which is no fault"},
      {"ses", answer(403, {{"x-amzn-errortype", "InvalidSignatureException"}}, R"({"message":"no"})"),
       "no send 403 InvalidSignatureException: no"},
      {"mailgun", answer(200, {}, R"({"domain":{"state":"active","is_disabled":false}})"),
       "yes send 200; the domain is active"},
      {"mailgun", answer(200, {}, R"({"domain":{"state":"unverified"}})"), "yes - 200; the domain is unverified"},
      {"mailgun", answer(200, {}, R"({"domain":{"state":"active","is_disabled":true}})"),
       "yes - 200; the domain is active, and disabled"},
      {"mailgun", answer(404, {}, R"({"message":"Domain not found"})"),
       "yes - 404 Domain not found; the domain is not one of this account; is it in the other region (EU, US)?"},
      {"mailgun", answer(401, {}, "Forbidden"),
       "no send 401 Forbidden; a domain's sending key may do nothing but send: then this is no fault"},
      {"graph", answer(200, {}, R"({"mail":"alerts@example.com"})"), "yes send 200; the mailbox is alerts@example.com"},
      {"graph", answer(404, {}, R"({"error":{"code":"Request_ResourceNotFound","message":"no"}})"),
       "yes - 404 Request_ResourceNotFound: no; there is no such mailbox"},
      {"graph", answer(403, {}, R"({"error":{"code":"Authorization_RequestDenied","message":"no"}})"),
       "yes send 403 Authorization_RequestDenied: no; the application may not read users, which is no fault: Mail.Send "
       "is enough"},
      {"graph", answer(401, {}, R"({"error":{"code":"InvalidAuthenticationToken","message":"no"}})"),
       "no send 401 InvalidAuthenticationToken: no"},
      {"gmail", answer(200, {}, R"({"emailAddress":"me@example.com"})"), "yes send 200; the mailbox is me@example.com"},
      {"gmail", answer(403, {}, R"({"error":{"message":"no","errors":[{"reason":"insufficientPermissions"}]}})"),
       "yes send 403 insufficientPermissions: no; the token may not read the profile, which is no fault: gmail.send is "
       "enough"},
      {"gmail", answer(503, {}, ""), "unknown send 503 Reason"},
      {"ses", answer(400, {}, R"({"message":"no"})"), "unknown send 400 no"},
  }));
  const Credentials sent = credentials("", "secret-key");
  const AskOutcome outcome = read_ask(api_of(row.provider), row.answer, {sent, kNow, read_json});
  INFO(row.provider);
  const std::string credentials_are = outcome.authenticated ? "yes " : outcome.trouble ? "unknown " : "no ";
  CHECK(credentials_are + (outcome.may_send ? "send " : "- ") + outcome.words == row.outcome);
}

TEST_CASE("a clock that is too far off for signatures") {
  const Credentials sent = credentials("A", "secret-key");
  const auto clock = [&](std::string_view provider, const std::string& date) {
    return read_ask(api_of(provider), answer(403, {{"date", date}}, ""), {sent, kNow, read_json}).clock;
  };
  CHECK(clock("ses", "Sun, 30 Aug 2015 12:48:00 GMT") ==
        "the clock of this machine is 12 minutes behind that of the interface, which takes no signature that is more "
        "than 5 off");
  CHECK(clock("ses", "Sun, 30 Aug 2015 12:30:00 GMT").starts_with("the clock of this machine is 6 minutes ahead of"));
  for (const std::string date : {"Sun, 30 Aug 2015 12:41:00 GMT", "Sun, 30 Aug 2015 12:31:00 GMT", "yesterday", ""})
    CHECK(clock("ses", date).empty());
  CHECK(clock("mailgun", "Sun, 30 Aug 2015 18:00:00 GMT").empty());
}

}  // namespace
}  // namespace relaypipe
