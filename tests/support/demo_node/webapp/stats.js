// One plain object of numbers a second, from the reports of both ends of the call.

export class Sampler {
  constructor(call) {
    this.call = call;
    this.before = null;
    this.seconds = 0;
  }

  // null until media flows.
  async next() {
    const [sent, received] = await Promise.all([this.call.sender.getStats(), this.call.receiver.getStats()]);
    const video = find(received, (each) => each.type === "inbound-rtp" && each.kind === "video");
    const outPair = selectedPair(sent);
    const inPair = selectedPair(received);
    if (!video || !outPair || !inPair) return null;

    const now = { at: video.timestamp, received: inPair.bytesReceived, sent: outPair.bytesSent };
    const before = this.before ?? now;
    this.before = now;
    this.seconds += 1;
    const elapsed = (now.at - before.at) / 1000;
    const rate = (bytes) => (elapsed > 0 ? (bytes * 8) / elapsed : 0);
    const codec = received.get(video.codecId);

    return {
      seconds: this.seconds,
      bitrate: rate(now.received - before.received),
      sentBitrate: rate(now.sent - before.sent),
      framesDecoded: video.framesDecoded ?? 0,
      framesPerSecond: video.framesPerSecond ?? 0,
      framesDropped: video.framesDropped ?? 0,
      width: video.frameWidth ?? 0,
      height: video.frameHeight ?? 0,
      packetsReceived: video.packetsReceived ?? 0,
      packetsLost: video.packetsLost ?? 0,
      jitter: (video.jitter ?? 0) * 1000,
      roundTrip: (outPair.currentRoundTripTime ?? 0) * 1000,
      codec: codec?.mimeType.replace("video/", "") ?? "",
      sender: ends(sent, outPair),
      receiver: ends(received, inPair),
    };
  }
}

function find(report, wanted) {
  for (const each of report.values()) if (wanted(each)) return each;
  return null;
}

function selectedPair(report) {
  const transport = find(report, (each) => each.type === "transport" && each.selectedCandidatePairId);
  return transport ? report.get(transport.selectedCandidatePairId) : null;
}

function ends(report, pair) {
  const describe = (id) => {
    const candidate = report.get(id) ?? {};
    return {
      type: candidate.candidateType ?? "",
      protocol: candidate.relayProtocol ?? candidate.protocol ?? "",
      address: candidate.address ?? "",
      port: candidate.port ?? 0,
      url: candidate.url ?? "",
    };
  };
  return { local: describe(pair.localCandidateId), remote: describe(pair.remoteCandidateId) };
}
