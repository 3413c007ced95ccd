// A stub of Android's Log: lines go to standard error, because standard output carries tensors.
package android.util

object Log {
    fun i(tag: String, message: String): Int = line("I", tag, message)

    fun w(tag: String, message: String): Int = line("W", tag, message)

    fun e(tag: String, message: String, error: Throwable): Int = line("E", tag, "$message: $error")

    private fun line(level: String, tag: String, message: String): Int {
        System.err.println("$level/$tag: $message")
        return 0
    }
}
