// ---- numbers and times, as people read them

const kPrefixes = ["", " k", " M", " G", " T"];

function short(value, most = 9999.5) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  let power = 0;
  while (Math.abs(value) >= (power === 0 ? most : 999.5) && power < kPrefixes.length - 1) { value /= 1000; ++power; }
  const digits = power === 0 && Number.isInteger(value) ? 0 : Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "") + kPrefixes[power];
}

const kUnits = {
  count: short,
  rate: (value) => short(value) + " /s",
  bits: (bytes) => {
    const text = short(bytes === null || bytes === undefined ? null : bytes * 8, 999.5);
    return text === "–" ? text : text.includes(" ") ? text + "bit/s" : text + " bit/s";
  },
  ms: (value) => short(value) + " ms",
};

function duration(seconds) {
  seconds = Math.max(0, Math.round(seconds));
  if (seconds < 60) return seconds + " s";
  if (seconds < 3600) return Math.floor(seconds / 60) + " min" + (seconds < 600 && seconds % 60 ? " " + (seconds % 60) + " s" : "");
  if (seconds < 86400) return Math.floor(seconds / 3600) + " h" + (seconds % 3600 >= 60 ? " " + Math.floor(seconds % 3600 / 60) + " min" : "");
  const days = Math.floor(seconds / 86400);
  return days + (days === 1 ? " day" : " days") + (days < 7 && seconds % 86400 >= 3600 ? " " + Math.floor(seconds % 86400 / 3600) + " h" : "");
}

const ago = (time) => duration((Date.now() - Date.parse(time)) / 1000);
const clock = (time) => new Date(time).toLocaleTimeString();
const moment = (time) => new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
const plural = (count, one, many) => `${short(count)} ${count === 1 ? one : many}`;
