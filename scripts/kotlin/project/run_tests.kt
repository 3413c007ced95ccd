// Runs the tests of a project's GoldenTest; the argument is its class.
import com.google.ai.edge.litert.hasGpu
import java.lang.reflect.InvocationTargetException
import org.junit.Test
import org.tensorflow.lite.Pipe

fun main(arguments: Array<String>) {
    val type = Class.forName(arguments[0])
    hasGpu = true
    for (method in type.declaredMethods.filter { it.isAnnotationPresent(Test::class.java) }.sortedBy { it.name }) {
        val result = try {
            method.invoke(type.getDeclaredConstructor().newInstance())
            "passed"
        } catch (failed: InvocationTargetException) {
            "failed: ${failed.targetException}"
        }
        Pipe.output.writeUTF("test")
        Pipe.output.writeUTF(method.name)
        Pipe.output.writeUTF(result)
        Pipe.output.flush()
    }
    Pipe.output.writeUTF("end")
    Pipe.output.flush()
}
