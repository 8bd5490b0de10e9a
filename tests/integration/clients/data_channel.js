// One end of a data channel of libdatachannel, over libjuice, that tells of relayed candidates alone.
// The first line on the standard input is the task: {"host", "port", "user", "password", "messages"};
// who has messages to send is the caller, the other end sends back what it gets. Further lines there
// and on the standard output are what the two ends have to tell each other; the caller's last one is
// {"echoed": …}. NODE_PATH names where node-datachannel is.
'use strict';
const crypto = require('node:crypto');
const readline = require('node:readline');
const library = require('node-datachannel');

const GUARD_MS = 60000;
let peer;

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function end(error) {
  if (error) process.stderr.write(`${error}\n`);
  if (peer) peer.close();
  library.cleanup();
  process.exit(error ? 1 : 0);
}

function call(messages) {
  const channel = peer.createDataChannel('echo');
  let echoed = 0;
  let sent;
  const next = () => {
    sent = crypto.randomBytes(1 + crypto.randomInt(4000));
    channel.sendMessageBinary(sent);
  };
  channel.onOpen(next);
  channel.onMessage((message) => {
    if (!sent.equals(Buffer.from(message))) end(`message ${echoed} came back as another`);
    echoed += 1;
    if (echoed < messages) return next();
    return say({ echoed });
  });
}

function answer() {
  peer.onDataChannel((channel) => {
    peer.channel = channel; // kept from the collector
    channel.onMessage((message) => channel.sendMessageBinary(Buffer.from(message)));
  });
}

function begin(task) {
  setTimeout(() => end(`no end: ${peer.state()}`), GUARD_MS).unref();
  peer = new library.PeerConnection('end', {
    iceServers: [{
      hostname: task.host, port: task.port, username: task.user, password: task.password, relayType: 'TurnUdp',
    }],
    iceTransportPolicy: 'relay',
  });
  peer.onLocalDescription((sdp, type) => say({ sdp, type }));
  peer.onLocalCandidate((candidate, mid) => say({ candidate, mid }));
  if (task.messages) call(task.messages);
  else answer();
}

readline.createInterface({ input: process.stdin })
  .on('line', (text) => {
    const line = JSON.parse(text);
    if (line.host) begin(line);
    else if (line.sdp) peer.setRemoteDescription(line.sdp, line.type);
    else if (line.candidate) peer.addRemoteCandidate(line.candidate, line.mid);
  })
  .on('close', () => end());
