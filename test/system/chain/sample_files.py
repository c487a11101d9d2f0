"""Configuration files that several tests read."""

GOOD = """\
[relay.one]
destination = "[mail1.example.com]:587"
weight = 3
[relay.two]
destination = "mail2.example.com"
senders = ["@example.org"]
[relay.gateway]
destination = "smtps:[gateway.example.com]"
max_size = "1k"
[relay.lastresort]
destination = "[backup.example.com]:25"
[chain.outbound]
tiers = [["one", "two"], ["gateway"], ["[192.0.2.25]:2525"]]
fallback = ["lastresort"]
by_sender = { "@list.example" = "lists" }
[chain.lists]
tiers = [["gateway"], ["one"]]
"""
LIMITED = """\
[relay.one]
destination = "[mail1.example.com]:587"
rate = "14/s"
quota = ["500/day Europe/Berlin", "10000 recipients/24h"]
connections = 3
reserve = { percent = 10, for = ["@alerts.example.com", "<>"] }
[relay.cloud]
destination = "[smtp.office365.com]:587"
quota = "100/hour"
[chain.outbound]
tiers = [["one"], ["cloud"], ["[192.0.2.25]:2525"]]
"""
FAULTY = """\
deadlin = "15m"
[defaults]
tls = "maybe"
[relay.one]
destination = "[127.0.0.1]:2525"
wieght = 3
[relay.two]
destination = "smtps:[127.0.0.1]"
tls = "may"
[chain.outbound]
tiers = [["one", "tow"], ["one"]]
by_sender = { "bad" = "outbound", "@x.example" = "outbond" }
policy = "tcp:1"
[chain.mail.example]
tiers = [["one"]]
"""
FAULTS = [    # line, column, words
    (1, 1, "did you mean deadline?"),
    (3, 7, "none, may, encrypt or verify"),
    (6, 1, "did you mean weight?"),
    (9, 7, "TLS from the first octet"),
    (11, 18, "did you mean two?"),
    (11, 27, "in tier 2 and at line 11, column 11 already in tier 1"),
    (12, 15, "not a valid address pattern"),
    (12, 50, "did you mean outbound?"),
    (13, 10, "unix:/absolute/path or inet:"),
]
