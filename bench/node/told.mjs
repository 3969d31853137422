// What bench/peers.py tells a process: databases, connections, the descriptor to listen on.

export const told = JSON.parse(process.env.BENCH_PEER);

// The line by which bench/peers.py knows that the server is able to answer.
export const listen = (server) => {
  server.listen({ fd: told.listen }, () => console.log("ready"));
  process.on("SIGTERM", () => process.exit(0));
};
