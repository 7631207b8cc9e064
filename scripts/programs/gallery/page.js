// Sends a photo that is dropped, pasted or chosen, and goes to where its results are.
"use strict";

const file = document.getElementById("file");
const choose = document.getElementById("choose");
const drop = document.getElementById("drop");
const error = document.getElementById("error");

function say(title, lines) {
  const heading = document.createElement("h2");
  heading.textContent = title;
  const paragraphs = lines.filter(Boolean).map((line) => {
    const paragraph = document.createElement("p");
    paragraph.textContent = line;
    return paragraph;
  });
  error.replaceChildren(heading, ...paragraphs);
  error.hidden = false;
  error.scrollIntoView({ block: "nearest" });
}

async function send(photo) {
  if (!photo) {
    say("That is no file", ["Drop or choose a photo: a JPEG, PNG, WebP, AVIF, GIF or TIFF."]);
    return;
  }
  const most = Number(file.dataset.megabytes);
  if (photo.size > most * 1024 * 1024) {
    say("That file is too large", [`A photo to search with may have ${most} MB at the most.`]);
    return;
  }
  const label = choose.textContent;
  choose.disabled = true;
  choose.textContent = "Sending …";
  try {
    const answer = await fetch(`./photos?name=${encodeURIComponent(photo.name)}`, { method: "POST", body: photo });
    const said = await answer.json();
    if (answer.ok) {
      location.assign(`./?photo=${encodeURIComponent(said.key)}`);
      return;
    }
    say(said.title, [said.cause, said.advice]);
  } catch {
    say("The gallery does not answer", ["Is scripts/gallery --serve still running?"]);
  }
  choose.disabled = false;
  choose.textContent = label;
}

choose.addEventListener("click", () => file.click());
file.addEventListener("change", () => {
  if (file.files.length) send(file.files[0]);
  file.value = "";
});

// A drag is over the page until it has left as many elements as it has entered.
let entered = 0;
const show = (count) => {
  entered = Math.max(0, count);
  drop.hidden = entered === 0;
};
document.addEventListener("dragenter", (event) => {
  event.preventDefault();
  show(entered + 1);
});
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("dragleave", () => show(entered - 1));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  show(0);
  send(event.dataTransfer.files[0]);
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) {
    event.preventDefault();
    send(event.clipboardData.files[0]);
  }
});
// Coming back to a page must not show it busy.
window.addEventListener("pageshow", () => {
  choose.disabled = false;
  choose.textContent = "Search by photo";
  show(0);
});
