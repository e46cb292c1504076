// Sends a chosen file to the server as it is, with its progress; the browser reads it from the disk while it is sent.
const size = bytes => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"]
  let unit = 0
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024
    unit += 1
  }
  return `${bytes.toFixed(unit ? 1 : 0)} ${units[unit]}`
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "")

function build(parent, words) {
  parent.innerHTML = `
    <style>
      .seatrial-upload { display: flex; flex-wrap: wrap; gap: 0.75rem; align-items: center; font: inherit; color: var(--st-text-color) }
      .seatrial-upload button { font: inherit; padding: 0.35rem 0.75rem; cursor: pointer; color: inherit;
        border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); background: var(--st-background-color) }
      .seatrial-upload button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color) }
      .seatrial-upload progress { flex: 1 1 10rem; accent-color: var(--st-primary-color) }
    </style>
    <div class="seatrial-upload">
      <input type="file" accept=".tar,.gz,.tgz,.zst" hidden>
      <button type="button" data-part="choose"></button>
      <progress max="1" value="0" hidden></progress>
      <span role="status"></span>
      <button type="button" data-part="stop" hidden></button>
    </div>`
  parent.querySelector('[data-part="choose"]').textContent = words.choose
  parent.querySelector('[data-part="stop"]').textContent = words.stop
}

function send(parent, file, data, tell) {
  const { words, address } = data
  const part = name => parent.querySelector(name)
  const request = new XMLHttpRequest()
  const busy = on => {
    part("progress").hidden = part('[data-part="stop"]').hidden = !on
    part('[data-part="choose"]').disabled = on
  }
  const say = text => (part("[role=status]").textContent = text)
  const failed = reason => {
    busy(false)
    say(fill(words.failed, { reason }))
  }
  request.upload.onprogress = event => {
    part("progress").value = event.loaded / event.total
    say(`${fill(words.sending, { name: file.name })} · ${size(event.loaded)} / ${size(event.total)}`)
  }
  request.onload = () => {
    const answer = JSON.parse(request.responseText || "{}")
    if (request.status !== 201) return failed(answer.text ?? answer.error ?? request.status)
    busy(false)
    say(fill(words.sent, { name: file.name }))
    tell(answer.path)
  }
  request.onerror = () => failed("–")
  request.onabort = () => {
    busy(false)
    say("")
  }
  part('[data-part="stop"]').onclick = () => request.abort()
  busy(true)
  request.open("PUT", address + encodeURIComponent(file.name))
  request.send(file)
}

export default function ({ parentElement, data: [data], setTriggerValue }) {
  if (!parentElement.querySelector(".seatrial-upload")) build(parentElement, data.words)
  const input = parentElement.querySelector("input")
  parentElement.querySelector('[data-part="choose"]').onclick = () => input.click()
  input.onchange = () => {
    const [file] = input.files
    input.value = ""
    if (file) send(parentElement, file, data, path => setTriggerValue("sent", path))
  }
}
