// A call of the browser with itself: two peer connections that may use relayed candidates only, so
// that each packet goes browser, relay of the sender, relay of the receiver, browser.

// The transports that the node's TURN URLs offer, in the order udp, tcp, tls.
export function transportsOf(turn) {
  const offered = new Set(turn.flatMap((server) => server.urls).map(transportOf));
  return ["udp", "tcp", "tls"].filter((each) => offered.has(each));
}

function transportOf(url) {
  if (url.startsWith("turns:")) return "tls";
  return /[?&]transport=tcp\b/.test(url) ? "tcp" : "udp";
}

// start() once, close() once. `onstate` hears the sender's connection states.
export class RelayedCall {
  constructor(turn, transport) {
    const iceServers = turn.map((server) => ({
      ...server, urls: server.urls.filter((url) => transportOf(url) === transport) }))
      .filter((server) => server.urls.length > 0);
    const configuration = { iceServers, iceTransportPolicy: "relay", bundlePolicy: "max-bundle" };
    this.sender = new RTCPeerConnection(configuration);
    this.receiver = new RTCPeerConnection(configuration);
    this.received = new MediaStream();
    this.onstate = () => {};
    this.onrelayerror = () => {};

    this.sender.onconnectionstatechange = () => this.onstate(this.sender.connectionState);
    this.receiver.ontrack = ({ track }) => this.received.addTrack(track);
    for (const [from, to] of [[this.sender, this.receiver], [this.receiver, this.sender]]) {
      from.onicecandidate = ({ candidate }) => {
        if (candidate && to.signalingState !== "closed") to.addIceCandidate(candidate).catch(() => {});
      };
      from.onicecandidateerror = ({ url, errorCode, errorText }) =>
        this.onrelayerror(`${url}: ${errorCode} ${errorText}`);
    }
  }

  // Each side answers only once the other's description is in place, so candidates never come early.
  async start(tracks) {
    tracks.forEach((track) => this.sender.addTrack(track));
    const offer = await this.sender.createOffer();
    await this.receiver.setRemoteDescription(offer);
    await this.sender.setLocalDescription(offer);
    const answer = await this.receiver.createAnswer();
    await this.sender.setRemoteDescription(answer);
    await this.receiver.setLocalDescription(answer);
  }

  close() {
    this.onstate = () => {};
    this.onrelayerror = () => {};
    this.sender.close();
    this.receiver.close();
  }
}
