// A choice of mode or threshold counts at once; what is typed, when it is sent.

export default function applyAtOnce(form) {
  form.addEventListener("change", (event) => {
    if (event.target.matches("input[type=radio], select")) form.requestSubmit();
  });
}
