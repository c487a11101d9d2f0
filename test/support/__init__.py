"""What the suites of the real program share.

    suite, one_test, marks       running tests: a process for each, in parallel, within a time limit
    private_machine, networks    a machine and a network of the tests' own
    case, chain_case             base classes: relays and deliveries; a configuration file and the commands
    own_network                  what is added to a base class: a network namespace, name servers, the attempts in the log
    runs, installed              a delivery as pipe(8) starts it; relaypipe as the two files it is
    relays, scripted_relay       relays that play a dialogue, refuse connections or never answer; the dialogues
    https_api, https_requests    a provider's HTTPS interface that does what a test wants; what it wants of requests
    smtp_sink, mail_servers      Postfix's smtp-sink; Postfix with Dovecot, and Exim, as relays
    lmtp_program                 `relaypipe lmtp` with the test in the place of lmtp(8)
    postfix, mail_log            a Postfix that uses relaypipe, and what it logs
    gate, held_queue             holding a delivery at a point; a queue that is filled before it is released
    dns, dns_responder           dnsmasq, and a name server that answers what it is told
    foreign_names, long_wire     machines with search domains; a network with delay and loss
    clients                      who comes to a server of a test
    certificates, wire           authorities and certificates; content as it is on the wire
    machine                      waiting, processes, ports, the log socket
    callgrind, figures, checks   counting instructions; figures in the README files; what checks are told
"""
