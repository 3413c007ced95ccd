// Calls the functions of an example as standard input asks: all values given, or those that have a
// default left out.
import android.content.Context
import java.lang.reflect.InvocationTargetException
import org.tensorflow.lite.Pipe

fun main() {
    val translator = Translator(Context())
    val methods = Translator::class.java.declaredMethods.filter { !it.isSynthetic && it.name != "close" }
    Pipe.output.writeInt(methods.size)
    methods.forEach { Pipe.output.writeUTF(it.name) }
    Pipe.output.flush()
    while (true) {
        val name = Pipe.input.readUTF()
        if (name.isEmpty()) break
        val leftOut = Pipe.input.readInt() // a bit for each value that is to be the default
        val given = Array<Any>(Pipe.input.readInt()) { Pipe.read() }
        val result = try {
            if (leftOut == 0) {
                methods.single { it.name == name }.invoke(translator, *given)
            } else {
                val whole = Translator::class.java.declaredMethods.single { it.name == "$name\$default" }
                whole.invoke(null, translator, *given, leftOut, null)
            }
        } catch (failed: InvocationTargetException) {
            Pipe.output.writeUTF("failed")
            Pipe.output.writeUTF(failed.targetException.message ?: "${failed.targetException}")
            Pipe.output.flush()
            continue
        }
        val named = if (result is Map<*, *>) result else mapOf("" to result)
        Pipe.output.writeUTF("done")
        Pipe.output.writeInt(named.size)
        named.forEach { (output, values) -> Pipe.write(output as String, values!!) }
        Pipe.output.flush()
    }
    translator.close()
}
