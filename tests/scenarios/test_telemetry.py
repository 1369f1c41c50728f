# SPDX-License-Identifier: Apache-2.0
"""PutTelemetryRecords, as the daemon sends them: nothing before the first
datagram, and a last record at the end."""

from harness.documents import segments


def test_last_record_at_stop(relay, xray):
    relay.send(*segments(75))
    relay.send_raw(b"no header")
    relay.wait_delivered(75)
    assert relay.stop() == 0
    assert len(xray.telemetry) == 1
    record = xray.telemetry[0]["TelemetryRecords"][-1]
    assert record["SegmentsReceivedCount"] == 76
    assert record["SegmentsRejectedCount"] == 1
    assert record["SegmentsSentCount"] == 75
    assert record["SegmentsSpilloverCount"] == 0
    for member in ("EC2InstanceId", "Hostname", "ResourceARN"):
        assert member in xray.telemetry[0]


def test_silent_before_the_first_datagram(relay, xray):
    assert relay.stop() == 0
    assert not xray.requests
