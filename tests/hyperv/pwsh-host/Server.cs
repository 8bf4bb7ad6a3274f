// SPDX-License-Identifier: Apache-2.0
// An engine that is started once and used many times: pwsh-host --serve FD. It takes connections of tests/hyperv/client.py, which stands
// for powershell.exe, from a listening socket that it shares with others of its kind: one at a time, each in a runspace of its own, on the
// client's own standard input, output and error. While a session lasts this process is the agent's: it may be killed or stopped. A client
// that dies takes it along; one that says it was asked to end lets the session end by itself. Lines on the connection: a JSON
// object {arguments, environment} with the three descriptors; the engine's process id; then the exit code.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading;

namespace Fakes
{
	static class Libc
	{
		[StructLayout(LayoutKind.Sequential)]
		public unsafe struct Vector
		{
			public byte* Base;
			public nint Length;
		}

		[StructLayout(LayoutKind.Sequential)] // struct msghdr of 64-bit Linux
		public unsafe struct Message
		{
			public void* Name;
			public uint NameLength;
			public Vector* Vectors;
			public nint VectorCount;
			public byte* Control;
			public nint ControlLength;
			public int Flags;
		}

		[DllImport("libc", SetLastError = true)] public static extern int accept(int socket, nint address, nint length);
		[DllImport("libc", SetLastError = true)] public static extern unsafe nint recvmsg(int socket, Message* message, int flags);
		[DllImport("libc", SetLastError = true)] public static extern unsafe nint read(int fd, byte* buffer, nint count);
		[DllImport("libc", SetLastError = true)] public static extern nint write(int fd, byte[] buffer, nint count);
		[DllImport("libc", SetLastError = true)] public static extern int dup2(int from, int to);
		[DllImport("libc", SetLastError = true)] public static extern int close(int fd);
		[DllImport("libc", SetLastError = true)] public static extern int shutdown(int socket, int how);
		[DllImport("libc", SetLastError = true)] public static extern int kill(int process, int signal);
		[DllImport("libc", SetLastError = true)] public static extern int open(string path, int flags);
	}

	static class Server
	{
		const int Kill = 9, EndOfReading = 0, PatienceMs = 20000;

		public static int Serve(int listener)
		{
			int nothing = Libc.open("/dev/null", 2);
			while (true)
			{
				int client = Libc.accept(listener, 0, 0);
				if (client < 0) return 1;
				var (request, descriptors) = Receive(client);
				if (request == null) Libc.close(client);
				else if (!Session(client, request, descriptors, nothing)) return 0;
			}
		}

		static unsafe (JsonObject, int[]) Receive(int client)
		{
			const int HeadBytes = 16; // struct cmsghdr: length, level, type
			byte[] text = new byte[65536], control = new byte[64];
			fixed (byte* first = text, ancillary = control)
			{
				var vector = new Libc.Vector { Base = first, Length = text.Length };
				var message = new Libc.Message { Vectors = &vector, VectorCount = 1, Control = ancillary, ControlLength = control.Length };
				nint n = Libc.recvmsg(client, &message, 0);
				if (n <= 0) return (null, null);
				var descriptors = Enumerable.Range(0, 3).Select(i => BitConverter.ToInt32(control, HeadBytes + 4 * i)).ToArray();
				return (JsonNode.Parse(Encoding.UTF8.GetString(text, 0, (int)n)).AsObject(), descriptors);
			}
		}

		static void Say(int client, int number)
		{
			byte[] line = Encoding.ASCII.GetBytes(number + "\n");
			Libc.write(client, line, line.Length);
		}

		// False: something of the session was left behind, so that this process must not be used again.
		static bool Session(int client, JsonObject request, int[] descriptors, int nothing)
		{
			for (int i = 0; i < descriptors.Length; i++)
			{
				Libc.dup2(descriptors[i], i);
				Libc.close(descriptors[i]);
			}
			var pipes = Enumerable.Range(0, 3).Select(Target).ToHashSet();
			foreach (var pair in request["environment"].AsObject()) Environment.SetEnvironmentVariable(pair.Key, (string)pair.Value);
			Console.SetOut(new StreamWriter(Console.OpenStandardOutput()));
			Console.SetError(new StreamWriter(Console.OpenStandardError()) { AutoFlush = true });
			var watch = new Thread(() => Watch(client));
			Say(client, Environment.ProcessId);
			watch.Start();
			int code = Program.Start(request["arguments"].AsArray().Select(word => (string)word).ToArray());
			Console.Out.Flush();
			bool isClean = !Descriptors().Any(fd => Target(fd).EndsWith("lease.lock"));
			foreach (int fd in Descriptors()) // also what the agent opened once more: whoever reads must see the end
				if (pipes.Contains(Target(fd))) Libc.dup2(nothing, fd);
			over = true;
			Libc.shutdown(client, EndOfReading);
			watch.Join();
			over = false;
			Say(client, code);
			Libc.close(client);
			return isClean;
		}

		static volatile bool over;

		// The end of the connection is the client's death, a byte says that it was asked to end.
		static unsafe void Watch(int client)
		{
			byte told;
			nint n = Libc.read(client, &told, 1);
			for (int waited = 0; n == 1 && !over && waited < PatienceMs; waited += 5) Thread.Sleep(5);
			if (!over) Libc.kill(Environment.ProcessId, Kill);
		}

		static IEnumerable<int> Descriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Select(path => int.Parse(Path.GetFileName(path)));

		static string Target(int fd)
		{
			try { return new FileInfo("/proc/self/fd/" + fd).LinkTarget ?? ""; }
			catch (IOException) { return ""; }
		}
	}
}
