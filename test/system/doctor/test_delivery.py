"""The doctor's lines on a Postfix that runs: what they write is what Postfix understands."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from doctor_case import FILTER, DoctorCase
from support.postfix import PostfixLab
from support.smtp_sink import SmtpSink

MESSAGE = b"From: sender@sender.example\nTo: user@example.com\nSubject: a test\n\n.dot\n"


class Delivery(DoctorCase):
    def test_mended_service_delivers(self) -> None:
        sink = SmtpSink()
        self.addCleanup(sink.stop)
        broken = {FILTER: "", "flags=q": "flags=R.", "--size ${size}": "", " null_sender=": ""}
        with PostfixLab(Path(os.environ["RELAYPIPE"]), f"example.com relaypipe:{sink.destination}\n",
                        entry_edits=broken) as lab:
            lab.wait_for_delivery(lab.submit(MESSAGE, "user@example.com"))
            done = subprocess.run([lab.program, "doctor", "--json", "--config-directory", lab.config], capture_output=True)
            self.assertEqual(done.returncode, 2, done.stdout)
            for line in {finding["fix"] for finding in json.loads(done.stdout)["findings"]}:
                self.shell(line)
            for name in ("main.cf", "master.cf"):
                os.utime(lab.config / name, (0, 0))
            done = subprocess.run([lab.program, "doctor", "--config-directory", lab.config], capture_output=True)
            self.assertEqual(done.returncode, 0, done.stdout)
            lab.command("postfix", "reload")
            queue_id = lab.submit(MESSAGE, "user@example.com", sender="")
            self.assertEqual(lab.wait_for_delivery(queue_id).status, "sent")
            lab.wait_for_removal(queue_id)
            before, after = sink.messages()
        # What the flags did to the message shows that the second delivery went by the fixed line.
        self.assertIn(b"Return-Path:", before.content)
        self.assertIn(b"\n..dot\n", before.content)
        self.assertNotIn(b"Return-Path:", after.content)
        self.assertIn(b"\n.dot\n", after.content)
        self.assertTrue(after.mail.startswith("<>"), after.mail)
