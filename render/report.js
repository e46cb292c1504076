// Shows one language at a time, and draws its charts when they are first seen: a chart drawn while it is hidden has no width.
const config = {
  responsive: true,
  displaylogo: false,
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
  modeBarButtonsToAdd: [
    {
      name: "svg",
      title: "SVG",
      icon: Plotly.Icons.disk,
      click: plot => Plotly.downloadImage(plot, { format: "svg", width: plot.clientWidth, height: plot.clientHeight }),
    },
  ],
}

function draw(main) {
  for (const box of main.querySelectorAll(".chart")) {
    const data = box.querySelector("script")
    if (!data) continue
    const figure = JSON.parse(data.textContent)
    box.replaceChildren()
    Plotly.newPlot(box, figure.data, figure.layout, config)
  }
}

function show(language) {
  document.documentElement.lang = language
  for (const main of document.querySelectorAll("main")) main.hidden = main.lang !== language
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language))
  }
  const print = document.querySelector("[data-print]")
  print.textContent = print.dataset[language]
  draw(document.querySelector(`main[lang="${language}"]`))
}

// A page of paper is narrower than most screens, and nothing is measured anew once printing has begun. Pixels of A4 across.
const PAPER = { whole: 960, half: 455 }

function fit(printing) {
  for (const box of document.querySelectorAll("main:not([hidden]) .chart")) {
    const width = box.closest(".pair") ? PAPER.half : PAPER.whole
    Plotly.relayout(box, printing ? { width, autosize: false } : { width: null, autosize: true })
  }
}

for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => show(button.dataset.language))
}
document.querySelector("[data-print]").addEventListener("click", () => window.print())
window.addEventListener("beforeprint", () => fit(true))
window.addEventListener("afterprint", () => fit(false))
show(document.documentElement.lang)
