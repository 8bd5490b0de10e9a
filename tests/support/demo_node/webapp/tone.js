// The microphone's stand-in: a soft chord. It is always sent, and heard only on request.

const CHORD_HERTZ = [261.63, 329.63, 392.0];
const LOUDNESS = 0.04;

export class Tone {
  constructor() {
    this.context = null;
    this.output = null;
    this.player = new Audio();
    this.player.muted = true;
  }

  // Without a working audio device the call has video only.
  start() {
    try {
      this.context = new AudioContext();
      this.output = this.context.createMediaStreamDestination();
      for (const hertz of CHORD_HERTZ) {
        const oscillator = new OscillatorNode(this.context, { frequency: hertz });
        const quiet = new GainNode(this.context, { gain: LOUDNESS });
        oscillator.connect(quiet).connect(this.output);
        oscillator.start();
      }
    } catch {
      this.output = null;
    }
  }

  tracks() { return this.output ? this.output.stream.getAudioTracks() : []; }

  sendOver(received) {
    this.player.srcObject = received;
    this.player.play().catch(() => {});
  }

  audible(on) { this.player.muted = !on; }

  stop() {
    this.player.srcObject = null;
    this.player.muted = true;
    this.context?.close().catch(() => {});
    this.context = null;
    this.output = null;
  }
}
