// Drops and pastes of pictures go into the form's own field, which is then sent.

export default function acceptDrops(form) {
  const field = form.querySelector('input[type="file"]');
  const address = form.querySelector('input[type="url"]');
  const status = form.querySelector("[role=status]");
  const send = () => {
    status.textContent = "Searching ...";
    form.requestSubmit();
  };
  const takeFiles = (files) => {
    const pictures = [...files].filter((file) => file.type.startsWith("image/"));
    if (pictures.length === 0) return false;
    const list = new DataTransfer();
    pictures.forEach((picture) => list.items.add(picture));
    field.files = list.files;
    send();
    return true;
  };
  // An address is only written down: nothing is fetched before a click.
  const takeAddress = (text) => {
    const first = text.split(/\s/).find((word) => /^https?:\/\//.test(word));
    if (!first) return false;
    address.value = first;
    form.querySelector("button").focus();
    status.textContent = "The address is in its field. Search to fetch it.";
    return true;
  };
  const mark = (on) => document.body.classList.toggle("dropping", on);

  field.addEventListener("change", () => field.files.length > 0 && send());
  addEventListener("pageshow", () => (status.textContent = ""));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) mark(false);
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    const data = event.dataTransfer;
    if (!takeFiles(data.files) && !takeAddress(data.getData("text/uri-list"))) {
      status.textContent = "That is no picture.";
    }
  });
  document.addEventListener("paste", (event) => {
    const data = event.clipboardData;
    const inField = event.target.matches?.("input, textarea");
    if (takeFiles(data.files) || (!inField && takeAddress(data.getData("text")))) event.preventDefault();
  });
}
