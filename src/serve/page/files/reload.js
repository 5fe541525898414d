// A page that tells of work under way, asked for again until it is done.

export default function reload() {
  setTimeout(() => location.reload(), 1000);
}
